import Tensors

/// A writer of comma-separated tables (RFC 4180), with lines terminated by `\n`, which all readers accept.
package struct CSV {
    package private(set) var text = ""
    private var lineIsEmpty = true

    /// Returns a name, quoted if it contains a comma, a quote or a line break. A name that a spreadsheet would treat as
    /// a formula is prefixed by an apostrophe, which spreadsheets interpret as a text marker.
    package static func quoted(_ name: String) -> String {
        let field = isFormula(name) ? "'" + name : name
        let special = field.utf8.contains { $0 == 0x2C || $0 == 0x22 || $0 == 0x0A || $0 == 0x0D }
        return special ? "\"" + field.replacing("\"", with: "\"\"") + "\"" : field
    }

    /// Returns a name as it was before ``quoted(_:)``, without the apostrophe.
    package static func unquoted(_ field: String) -> String {
        guard field.first == "'" else { return field }
        let name = String(field.dropFirst())
        return isFormula(name) ? name : field
    }

    private static func isFormula(_ name: String) -> Bool {
        name.count > 1 && "=+-@\t".contains(name[name.startIndex]) && Double(name) == nil
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

    /// Adds the shortest text that reads back as the same Double; empty for nil; `nan`, `inf` and `-inf` unchanged.
    package mutating func add(_ value: Double?) {
        separate()
        if let value { text += value.description }
    }

    /// Returns the text since the last call and clears it, for tables that are written line by line.
    package mutating func take() -> String {
        defer { text = "" }
        return text
    }

    package mutating func endLine() {
        text += "\n"
        lineIsEmpty = true
    }
}
