import Evaluation
import Pictures
import Plots

/// A confusion matrix as pixels, for tools that do not accept SVG: rows are true classes, columns predicted ones. The
/// colour is the square root of the share of the true class, as in ``ConfusionMatrixFigure``; the digits are the count.
package enum ConfusionMatrixImage {
    /// The digits 0 to 9 in 3 columns and 5 rows; each row is three bits, the leftmost the highest.
    private static let glyphs: [[UInt8]] = [
        [7, 5, 5, 5, 7], [2, 6, 2, 2, 7], [7, 1, 7, 4, 7], [7, 1, 3, 1, 7], [5, 5, 7, 1, 1], [7, 4, 7, 1, 7],
        [7, 4, 7, 5, 7], [7, 1, 2, 2, 2], [7, 5, 7, 5, 7], [7, 5, 7, 1, 7],
    ]
    /// The size of a glyph's dot, in pixels.
    private static let dot = 2

    /// Returns a square picture with cells of one size and a line of one pixel around each.
    package static func png(_ matrix: ConfusionMatrix) -> PNG {
        let k = matrix.classCount
        let digits = matrix.counts.joined().map { String($0).count }.max() ?? 1
        // Counts are omitted if there are too many cells to read them.
        let cell = k > 20 ? 12 : max(digits * 4 * dot + 3 * dot, 5 * dot + 4 * dot)
        let side = k * (cell + 1) + 1
        var pixels = [UInt8](repeating: 208, count: side * side * 3)
        func set(_ x: Int, _ y: Int, _ colour: (Int, Int, Int)) {
            let at = (y * side + x) * 3
            (pixels[at], pixels[at + 1], pixels[at + 2]) = (UInt8(colour.0), UInt8(colour.1), UInt8(colour.2))
        }
        for (i, row) in matrix.counts.enumerated() {
            let support = max(row.reduce(0, +), 1)
            for (j, count) in row.enumerated() {
                let tone = (Double(count) / Double(support)).squareRoot()
                let colour = components(SequentialColour.paint(tone))
                let (left, top) = (j * (cell + 1) + 1, i * (cell + 1) + 1)
                for y in 0..<cell {
                    for x in 0..<cell { set(left + x, top + y, colour) }
                }
                guard k <= 20, count > 0 else { continue }
                let ink = components(SequentialColour.text(on: tone))
                let figures = String(count).compactMap(\.wholeNumberValue)
                let start = left + (cell - (figures.count * 4 - 1) * dot) / 2
                for (n, figure) in figures.enumerated() {
                    for (r, bits) in glyphs[figure].enumerated() {
                        for c in 0..<3 where bits >> UInt8(2 - c) & 1 == 1 {
                            for d in 0..<(dot * dot) {
                                set(
                                    start + (4 * n + c) * dot + d % dot, top + (cell - 5 * dot) / 2 + r * dot + d / dot,
                                    ink)
                            }
                        }
                    }
                }
            }
        }
        return PNG(width: side, height: side, colour: .rgb, pixels: pixels)
    }

    private static func components(_ paint: Paint) -> (Int, Int, Int) {
        if case .rgb(let red, let green, let blue) = paint { (red, green, blue) } else { (0, 0, 0) }
    }
}
