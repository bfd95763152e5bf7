import Foundation

/// One line of a terminal that moves: a bar and, beside it, what there is room for.
struct ProgressLine {
    /// A piece of text; those of the highest `rank` go first where the line is too long.
    struct Part {
        var text: String
        var rank: Int
    }

    /// Before the bar.
    var head: String
    /// Done, 0 to 1.
    var fraction: Double
    /// After the bar, two spaces apart.
    var parts: [Part]

    /// The bar takes what the text leaves, within these.
    private static let leastBar = 10
    private static let widestBar = 30

    /// The line without colours: head, filled and empty part of the bar, the rest; at most `columns` − 1 columns, so that
    /// no terminal wraps it.
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

    /// Draws over the line that is there; nothing where messages do not go to a terminal.
    func draw() {
        guard Console.isTerminal else { return }
        let (head, filled, empty, tail) = layout(columns: Console.columns, unicode: Console.usesUnicode)
        Console.write("\r\u{1B}[K" + head + Console.tinted(filled, "36") + Console.tinted(empty, "2") + tail)
    }

    /// Leaves an empty line.
    static func clear() {
        if Console.isTerminal { Console.write("\r\u{1B}[K") }
    }
}
