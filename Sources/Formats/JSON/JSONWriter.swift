extension JSONValue {
    /// The JSON text on one line: `{"a": [1, 2]}`.
    package var text: String {
        var output = ""
        appendText(to: &output)
        return output
    }

    /// The JSON text over several lines, indented by two spaces per level and ending in a newline. A nested array or
    /// object that fits within 100 columns stays on one line.
    package var prettyText: String {
        var output = ""
        appendLines(to: &output, indent: 0, column: nil)
        return output + "\n"
    }

    /// The text on one line, truncated to about 40 characters, for error messages.
    package var excerpt: String {
        let whole = text
        guard whole.count > 40 else { return whole }
        return whole.prefix(39) + "…"
    }

    private func appendText(to output: inout String) {
        switch self {
        case .null: output += "null"
        case .boolean(let value): output += value ? "true" : "false"
        case .number(let number): output += number.text
        case .string(let string): output += Self.quoted(string)
        case .array(let elements):
            output += "["
            for (index, element) in elements.enumerated() {
                if index > 0 { output += ", " }
                element.appendText(to: &output)
            }
            output += "]"
        case .object(let object):
            output += "{"
            for (index, member) in object.members.enumerated() {
                if index > 0 { output += ", " }
                output += Self.quoted(member.key)
                output += ": "
                member.value.appendText(to: &output)
            }
            output += "}"
        }
    }

    /// The number of characters of ``text``; some number above `most` if there are more.
    private func width(upTo most: Int) -> Int {
        var width = 2
        switch self {
        case .null, .boolean, .number: return text.count
        case .string(let string): return string.utf8.count > 6 * most ? most + 1 : Self.quoted(string).count
        case .array(let elements):
            for (index, element) in elements.enumerated() where width <= most {
                width += (index > 0 ? 2 : 0) + element.width(upTo: most - width)
            }
        case .object(let object):
            for (index, member) in object.members.enumerated() where width <= most {
                width += (index > 0 ? 4 : 2) + Self.quoted(member.key).count + member.value.width(upTo: most - width)
            }
        }
        return width
    }

    /// Appends the text over several lines; of a nested value that fits into the line, from `column` on, its text.
    private func appendLines(to output: inout String, indent: Int, column: Int?) {
        let isSimple: Bool
        switch self {
        case .array(let elements): isSimple = elements.isEmpty
        case .object(let object): isSimple = object.members.isEmpty
        default: isSimple = true
        }
        if isSimple || column.map({ width(upTo: 100 - $0) < 100 - $0 }) == true { return appendText(to: &output) }
        let margin = "\n" + String(repeating: " ", count: indent + 2)
        func append(_ index: Int, key: String, _ value: JSONValue) {
            if index > 0 { output += "," }
            output += margin
            output += key
            value.appendLines(to: &output, indent: indent + 2, column: indent + 2 + key.count)
        }
        if case .object(let object) = self {
            output += "{"
            for (index, member) in object.members.enumerated() {
                append(index, key: Self.quoted(member.key) + ": ", member.value)
            }
            output += margin.dropLast(2)
            output += "}"
        } else if case .array(let elements) = self {
            output += "["
            for (index, element) in elements.enumerated() { append(index, key: "", element) }
            output += margin.dropLast(2)
            output += "]"
        }
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
