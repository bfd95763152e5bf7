/// Names of classes come from folders, tables and files of other people.
package enum ClassName {
    /// `name` as it is shown everywhere: control characters, line breaks and characters that turn the direction of writing
    /// become `�`, so that no terminal obeys them and no line of a file is broken. Markup is the business of those who write
    /// HTML, quotes and formulas of those who write CSV.
    package static func shown(_ name: String) -> String {
        guard name.unicodeScalars.contains(where: isUnruly) else { return name }
        var result = String.UnicodeScalarView()
        for scalar in name.unicodeScalars { result.append(isUnruly(scalar) ? "\u{FFFD}" : scalar) }
        return String(result)
    }

    private static func isUnruly(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .surrogate: true
        // Embeddings, overrides and isolates.
        case .format: (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
        default: false
        }
    }
}
