import Foundation

/// A progress line on a terminal: a bar and, beside it, as much text as fits.
struct ProgressLine {
    /// A piece of text. If the line is too long, pieces of the highest `rank` are removed first.
    struct Part {
        var text: String
        var rank: Int
    }

    /// The text before the bar.
    var head: String
    /// The fraction done, 0 to 1.
    var fraction: Double
    /// The pieces of text after the bar, two spaces apart.
    var parts: [Part]

    /// The minimum width of the bar, which takes the space that the text leaves.
    private static let leastBar = 10
    /// The maximum width of the bar.
    private static let widestBar = 30

    /// Returns the line without colours: head, filled and empty parts of the bar, and the rest. It takes at most
    /// `columns` − 1 columns, so that no terminal wraps it.
    func layout(columns: Int, unicode: Bool) -> (head: String, filled: String, empty: String, tail: String) {
        var shown = parts
        func tail() -> String { shown.map { "  " + $0.text }.joined() }
        func room() -> Int { columns - 1 - head.count - (head.isEmpty ? 0 : 1) - tail().count }
        while room() < Self.leastBar, let worst = shown.indices.max(by: { shown[$0].rank < shown[$1].rank }) {
            shown.remove(at: worst)
        }
        let width = max(0, min(Self.widestBar, room()))
        let halves = Int((2 * Double(width) * min(max(fraction, 0), 1)).rounded(.down))
        let filled =
            unicode
            ? String(repeating: "━", count: halves / 2) + (halves % 2 == 1 ? "╸" : "")
            : String(repeating: "#", count: halves / 2)
        let empty = String(repeating: unicode ? "─" : "-", count: width - filled.count)
        return (head.isEmpty ? "" : head + " ", filled, empty, tail())
    }

    /// Redraws the line in place; does nothing if messages do not go to a terminal.
    func draw() {
        guard Console.isTerminal else { return }
        let (head, filled, empty, tail) = layout(columns: Console.columns, unicode: Console.usesUnicode)
        Console.write("\r\u{1B}[K" + head + Console.tinted(filled, "36") + Console.tinted(empty, "2") + tail)
    }

    /// Clears the line.
    static func clear() {
        if Console.isTerminal { Console.write("\r\u{1B}[K") }
    }
}
