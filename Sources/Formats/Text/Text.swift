import Foundation

/// Helpers for figures and names in plain text and in images.
package enum Text {
    /// Returns `value` with a fixed number of decimals, rounded to nearest.
    package static func fixed(_ value: Double, _ decimals: Int) -> String { String(format: "%.\(decimals)f", value) }

    /// Formats a share, or any figure whose best value is 1, so that rounding never shows 1 for less than 1.
    package static func share(_ value: Double, _ decimals: Int = 4) -> String {
        let text = fixed(value, decimals)
        return text == fixed(1, decimals) && value < 1 ? fixed(1 - pow(10, -Double(decimals)), decimals) : text
    }

    /// Formats a share as a percentage: `0.9958` → `99.58 %`.
    package static func percent(_ share: Double, _ decimals: Int = 2) -> String { hundredths(share, decimals) + " %" }

    /// Formats a share times a hundred. Rounding never shows 100 for less than all, nor 0 for more than nothing: one
    /// error in 20,000 is 99.99, not 100.00.
    package static func hundredths(_ share: Double, _ decimals: Int = 2) -> String {
        let (none, all) = (fixed(0, decimals), fixed(100, decimals))
        let step = pow(10, -Double(decimals))
        let text = fixed(100 * share, decimals)
        if text == all && share < 1 { return fixed(100 - step, decimals) }
        if text == none && share > 0 { return "<" + fixed(step, decimals) }
        return text
    }

    /// Formats an integer with thousands separators: `10,000`.
    package static func grouped(_ value: Int) -> String {
        var digits = Array(String(value.magnitude))
        var position = digits.count - 3
        while position > 0 {
            digits.insert(",", at: position)
            position -= 3
        }
        return (value < 0 ? "-" : "") + String(digits)
    }

    /// Formats a non-negative integer with leading zeros to at least `width` digits: `0042`.
    package static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    /// Formats a duration: `8.2 s`, `1 min 15 s`, `2 h 3 min`.
    package static func duration(_ seconds: Double) -> String {
        if seconds < 60 { return fixed(seconds, 1) + " s" }
        let total = Int(seconds.rounded())
        return total < 3600 ? "\(total / 60) min \(total % 60) s" : "\(total / 3600) h \(total / 60 % 60) min"
    }

    /// Formats a number of samples: `1 sample`, `10,000 samples`.
    package static func samples(_ count: Int) -> String { "\(grouped(count)) sample\(count == 1 ? "" : "s")" }

    /// Returns text that is safe to show in a terminal or a page: control characters, line separators and direction
    /// marks become `?`.
    package static func plain(_ text: String) -> String {
        var clean = ""
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
                clean += "?"
            default: clean.unicodeScalars.append(scalar)
            }
        }
        return clean
    }

    /// Returns a name as ``plain(_:)`` text of at most `limit` columns, ending in an ellipsis if it was longer.
    package static func name(_ name: String, limit: Int) -> String {
        var clean = plain(name)
        if columns(clean) <= limit { return clean }
        while columns(clean) > limit - 1 { clean.removeLast() }
        return clean + "…"
    }

    /// Returns the number of terminal columns that `text` takes: two for East Asian and pictorial characters, none for
    /// combining marks.
    package static func columns(_ text: String) -> Int {
        text.unicodeScalars.reduce(0) { sum, scalar in
            switch scalar.value {
            case ..<0x300: return sum + 1
            case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
                0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
                return sum + 2
            default:
                let category = scalar.properties.generalCategory
                return category == .nonspacingMark || category == .enclosingMark ? sum : sum + 1
            }
        }
    }

    package static func left(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - columns(text)))
    }

    package static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - columns(text))) + text
    }
}
