import Foundation
import Synchronization

/// Output of text: results go to stdout, messages to stderr.
enum Console {
    private static let environment = ProcessInfo.processInfo.environment
    /// Whether messages go to a terminal that can move its cursor.
    static let isTerminal = isatty(STDERR_FILENO) == 1 && environment["TERM"] != "dumb"
    /// Whether colours are wanted (https://no-color.org).
    static let usesColor = isTerminal && (environment["NO_COLOR"] ?? "").isEmpty
    /// Whether the locale supports more than ASCII, according to the first of these variables that is not empty.
    static let usesUnicode =
        ["LC_ALL", "LC_CTYPE", "LANG"].compactMap { environment[$0] }.first { !$0.isEmpty }
        .map { $0.uppercased().contains("UTF") } ?? false

    /// Returns `text` in a colour, given by its ANSI code, if colours are wanted.
    static func tinted(_ text: String, _ code: String) -> String {
        usesColor && !text.isEmpty ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }

    private static let isSilent = Atomic<Bool>(false)
    /// Suppresses all messages, because another process speaks for this one.
    static func silence() { isSilent.store(true, ordering: .relaxed) }
    /// Ends a ``silence()``.
    static func speak() { isSilent.store(false, ordering: .relaxed) }

    static func message(_ text: String) { write(text + "\n") }

    /// Writes to stderr. If that fails, as in a log on a full disk, the message is lost but no work is.
    static func write(_ text: String) {
        guard !isSilent.load(ordering: .relaxed) else { return }
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }

    static func fail(_ text: String, code: Int32) -> Never {
        message("trainer: " + text)
        exit(code)
    }

    /// The number of columns of the terminal; 80 if it is unknown.
    static var columns: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// The number of columns for a line of messages; unlimited if no terminal shows it.
    static var messageColumns: Int { isTerminal ? columns : .max }

    static func fixed(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }

    /// Formats a number as `2,734`.
    static func grouped(_ value: Int) -> String {
        var text = String(value.magnitude)
        var parts: [String] = []
        while text.count > 3 {
            parts.insert(String(text.suffix(3)), at: 0)
            text = String(text.dropLast(3))
        }
        parts.insert(text, at: 0)
        return (value < 0 ? "-" : "") + parts.joined(separator: ",")
    }

    /// Formats a duration as `0:07`, `12:30` or `1:02:03`.
    static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e7 else { return "-:--" }
        let total = Int(seconds.rounded())
        let tail = String(format: "%d:%02d", total / 60 % 60, total % 60)
        return total < 3600 ? tail : String(format: "%d:%02d:%02d", total / 3600, total / 60 % 60, total % 60)
    }

    /// Formats a size as `75.0 MiB`.
    static func size(_ bytes: Int) -> String {
        bytes < 1 << 20 ? "\((bytes + 1023) >> 10) KiB" : "\(fixed(Double(bytes) / 1_048_576, 1)) MiB"
    }

    static func left(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    /// Returns rows under a header with padded columns: those in `left` are left-aligned, the others right-aligned.
    static func table(_ rows: [[String]], left leftColumns: Set<Int>) -> String {
        let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = row.enumerated().map { index, cell in
                leftColumns.contains(index) ? left(cell, widths[index]) : right(cell, widths[index])
            }
            let line = cells.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }.joined(separator: "\n")
    }
}
