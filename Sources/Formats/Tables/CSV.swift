import Tensors

/// Text of a comma-separated table as RFC 4180 has it, with lines ended by `\n`, which every reader takes.
package struct CSV {
    package private(set) var text = ""
    private var lineIsEmpty = true

    /// A name, quoted where it holds a comma, a quote or a line break. One that a spreadsheet would take for a formula gets
    /// an apostrophe in front, which spreadsheets take for "this is text".
    package static func quoted(_ name: String) -> String {
        let isFormula = name.count > 1 && "=+-@\t".contains(name[name.startIndex]) && Double(name) == nil
        let field = isFormula ? "'" + name : name
        let special = field.utf8.contains { $0 == 0x2C || $0 == 0x22 || $0 == 0x0A || $0 == 0x0D }
        return special ? "\"" + field.replacing("\"", with: "\"\"") + "\"" : field
    }

    package init(header: [String], reservingBytes bytes: Int = 0) {
        text.reserveCapacity(bytes)
        for name in header { add(name) }
        endLine()
    }

    private mutating func separate() {
        if !lineIsEmpty { text += "," }
        lineIsEmpty = false
    }

    package mutating func add(_ field: String) {
        separate()
        text += Self.quoted(field)
    }

    package mutating func add(_ value: Int) {
        separate()
        text += String(value)
    }

    /// The shortest text that reads back as the same Double; empty for nil; `nan`, `inf` and `-inf` as they are.
    package mutating func add(_ value: Double?) {
        separate()
        if let value { text += value.description }
    }

    /// The text since the last call, for a table that is written line by line.
    package mutating func take() -> String {
        defer { text = "" }
        return text
    }

    package mutating func endLine() {
        text += "\n"
        lineIsEmpty = true
    }
}
