extension JSONValue {
    /// The JSON text on one line: `{"a": [1, 2]}`.
    package var text: String {
        switch self {
        case .null: "null"
        case .boolean(let value): value ? "true" : "false"
        case .number(let number): number.text
        case .string(let string): Self.quoted(string)
        case .array(let elements): "[" + elements.map(\.text).joined(separator: ", ") + "]"
        case .object(let object):
            "{" + object.members.map { "\(Self.quoted($0.key)): \($0.value.text)" }.joined(separator: ", ") + "}"
        }
    }

    /// The JSON text over several lines, indented by two spaces per level and ending in a newline. A nested array or
    /// object that fits within 100 columns stays on one line.
    package var prettyText: String {
        var output = ""
        write(to: &output, indent: 0, column: 100)
        return output + "\n"
    }

    /// The text on one line, truncated to about 40 characters, for error messages.
    package var excerpt: String {
        let whole = text
        guard whole.count > 40 else { return whole }
        return whole.prefix(39) + "…"
    }

    private func write(to output: inout String, indent: Int, column: Int) {
        let members: [(prefix: String, value: JSONValue)]
        let brackets: (open: String, close: String)
        switch self {
        case .array(let elements) where !elements.isEmpty:
            members = elements.map { ("", $0) }
            brackets = ("[", "]")
        case .object(let object) where !object.members.isEmpty:
            members = object.members.map { (Self.quoted($0.key) + ": ", $0.value) }
            brackets = ("{", "}")
        default:
            output += text
            return
        }
        if column < 100 {
            let line = text
            if column + line.count < 100 {
                output += line
                return
            }
        }
        let margin = String(repeating: " ", count: indent + 2)
        output += brackets.open
        for (index, member) in members.enumerated() {
            output += (index == 0 ? "\n" : ",\n") + margin + member.prefix
            member.value.write(to: &output, indent: indent + 2, column: indent + 2 + member.prefix.count)
        }
        output += "\n" + String(repeating: " ", count: indent) + brackets.close
    }

    /// Returns `string` in double quotes, with escapes for the quote, the backslash, and all characters that could
    /// break the line or are invisible.
    package static func quoted(_ string: String) -> String {
        // Most strings need no escapes.
        let isPlain = string.utf8.allSatisfy { (0x20...0x7E).contains($0) && $0 != 0x22 && $0 != 0x5C }
        if isPlain { return "\"" + string + "\"" }
        var output = "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": output += "\\\""
            case "\\": output += "\\\\"
            case "\n": output += "\\n"
            case "\r": output += "\\r"
            case "\t": output += "\\t"
            case _ where scalar.value > 0xFFFF || !isInvisible(scalar): output.unicodeScalars.append(scalar)
            default:
                let digits = String(scalar.value, radix: 16)
                output += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return output + "\""
    }

    private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned: true
        default: false
        }
    }
}
