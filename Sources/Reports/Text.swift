import Foundation

/// Small helpers for figures and names in plain text and in pictures.
enum Text {
    /// `value` with a fixed number of decimals, rounded to nearest.
    static func fixed(_ value: Double, _ decimals: Int) -> String { String(format: "%.\(decimals)f", value) }

    /// A share as per cent: `0.9958` → `99.58 %`.
    static func percent(_ share: Double, _ decimals: Int = 2) -> String { fixed(100 * share, decimals) + " %" }

    /// An integer with thousands apart: `10,000`.
    static func grouped(_ value: Int) -> String {
        var digits = Array(String(value.magnitude))
        var position = digits.count - 3
        while position > 0 {
            digits.insert(",", at: position)
            position -= 3
        }
        return (value < 0 ? "-" : "") + String(digits)
    }

    /// A class name that cannot upset a terminal: control characters, line and direction marks become `?`; at most
    /// `limit` characters, the last one then an ellipsis.
    static func name(_ name: String, limit: Int) -> String {
        var clean = ""
        for scalar in name.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
                clean += "?"
            default: clean.unicodeScalars.append(scalar)
            }
        }
        return clean.count <= limit ? clean : clean.prefix(limit - 1) + "…"
    }

    static func left(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
