/// Sanitises class names, which come from other people's folders, tables and files.
package enum ClassName {
    /// Returns `name` as it is shown everywhere: control characters, line breaks and characters that change the writing
    /// direction become `�`, so that no terminal obeys them and they break no line of a file. Markup is left to those
    /// who write HTML, quotes and formulas to those who write CSV.
    package static func shown(_ name: String) -> String {
        guard name.unicodeScalars.contains(where: isUnruly) else { return name }
        var result = String.UnicodeScalarView()
        for scalar in name.unicodeScalars { result.append(isUnruly(scalar) ? "\u{FFFD}" : scalar) }
        return String(result)
    }

    private static func isUnruly(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .surrogate: true
        // Bidirectional embeddings, overrides and isolates.
        case .format: (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
        default: false
        }
    }
}
