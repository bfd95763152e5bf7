import Tensors

/// Converts a character's ink to a network's input by MNIST's procedure: fitted into a box of 20 of the 28 pixels, with
/// the aspect ratio preserved, and shifted by whole pixels so that its centre of mass is in the middle.
///
/// Let v be the ink of a glyph of w×h pixels as a share of its own level (``Glyph/level``), at most 1, and s = 20 /
/// max(w, h). The fitted size is `W = max(1, round(s·w))`, `H = max(1, round(s·h))`, and each of its pixels is the mean
/// of v over the area it covers, v being constant on each pixel. The block's upper left corner is at `round(14 − c)`, c
/// being its centre of mass in pixel indices; no pixel leaves the picture.
///
/// Strokes that would be less than ``leastStroke`` pixels wide in the small picture are widened first
/// (``StrokeWidth``).
///
/// Source: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits": "size normalized to fit in
/// a 20x20 pixel box while preserving their aspect ratio […] centered in a 28x28 image by computing the center of
/// mass". Inputs of other sizes, H×W, use a box of 20/28 of their shorter side.
package struct GlyphPreparation: Sendable {
    package let height: Int
    package let width: Int
    /// The side of the box that characters are fitted into.
    package let side: Int

    /// Smaller glyphs are enlarged first, to avoid jagged edges in the small picture.
    private static let leastSide = 40
    /// The least stroke width, in pixels of a box of 20; strokes thinner than MNIST's are widened to it.
    private static let leastStroke = 1.4

    package init(height: Int, width: Int) {
        self.height = height
        self.width = width
        side = max(1, (20 * min(height, width) + 14) / 28)
    }

    /// Returns the input `[height, width]`, 0 paper to 255 ink.
    package func bytes(_ glyph: Glyph) -> [UInt8] {
        let level = glyph.level
        var ink = glyph.ink.map { min(max($0 / level, 0), 1) }
        var (stride, rows, margin) = (glyph.stride, glyph.rows, glyph.margin)
        var (boxWidth, boxHeight) = (glyph.box.width, glyph.box.height)
        if max(boxWidth, boxHeight) < Self.leastSide {
            let factor = (Self.leastSide + max(boxWidth, boxHeight) - 1) / max(boxWidth, boxHeight)
            ink = Self.enlarged(ink, columns: stride, rows: rows, factor: factor)
            (stride, rows, margin) = (stride * factor, rows * factor, margin * factor)
            (boxWidth, boxHeight) = (boxWidth * factor, boxHeight * factor)
        }
        let zoom = Double(max(boxWidth, boxHeight)) / Double(max(glyph.box.width, glyph.box.height))
        let target = Self.leastStroke / 20 * Double(max(boxWidth, boxHeight))
        let radius = max(0, (target - zoom * glyph.strokeWidth) / 2)
        if radius > 0 { ink = StrokeWidth.widened(ink, columns: stride, rows: rows, by: Float(radius)) }
        let (w, h) = (Double(boxWidth) + 2 * radius, Double(boxHeight) + 2 * radius)
        let scale = Double(side) / max(w, h)
        let columns = max(1, Int((scale * w).rounded()))
        let lines = max(1, Int((scale * h).rounded()))
        let narrow = Self.areaMeans(
            ink, columns: stride, rows: rows, from: Double(margin) - radius, step: w / Double(columns), count: columns)
        // The two passes transpose twice.
        let block = Self.areaMeans(
            narrow, columns: rows, rows: columns, from: Double(margin) - radius, step: h / Double(lines), count: lines)
        return centred(block, columns: columns, rows: lines)
    }

    /// Returns means over areas along the rows, transposed: `[count, rows]` from `[rows, columns]`. Result i covers
    /// columns `from + i·step` to `from + (i+1)·step`.
    package static func areaMeans(
        _ values: [Float], columns: Int, rows: Int, from: Double, step: Double, count: Int
    ) -> [Float] {
        var result = [Float](repeating: 0, count: count * rows)
        let source = values.span
        for i in 0..<count {
            let start = from + Double(i) * step, end = from + Double(i + 1) * step
            let first = max(Int(start), 0), last = min(Int(end.rounded(.up)), columns)
            for row in 0..<rows {
                var sum = 0.0
                for column in first..<max(last, first) {
                    let covered = min(end, Double(column + 1)) - max(start, Double(column))
                    sum += covered * Double(source[row &* columns &+ column])
                }
                result[i &* rows &+ row] = Float(sum / step)
            }
        }
        return result
    }

    /// Returns the values enlarged bilinearly to `factor` times as many columns and rows, with pixel centres aligned.
    static func enlarged(_ values: [Float], columns: Int, rows: Int, factor: Int) -> [Float] {
        func places(_ count: Int) -> [(low: Int, high: Int, share: Float)] {
            (0..<(count * factor)).map { index in
                let p = min(max((Float(index) + 0.5) / Float(factor) - 0.5, 0), Float(count - 1))
                let low = min(Int(p), count - 1)
                return (low, min(low + 1, count - 1), p - Float(low))
            }
        }
        let across = places(columns), down = places(rows), width = columns * factor
        var result = [Float](repeating: 0, count: width * rows * factor)
        let source = values.span, xs = across.span
        for y in 0..<(rows * factor) {
            let (top, bottom, fy) = down[y]
            let (first, second) = (top &* columns, bottom &* columns)
            for x in 0..<width {
                let (left, right, fx) = xs[x]
                let upper = source[first &+ left] * (1 - fx) + source[first &+ right] * fx
                let lower = source[second &+ left] * (1 - fx) + source[second &+ right] * fx
                result[y &* width &+ x] = upper * (1 - fy) + lower * fy
            }
        }
        return result
    }

    /// Places the block `[rows, columns]` in the picture by its centre of mass.
    private func centred(_ block: [Float], columns: Int, rows: Int) -> [UInt8] {
        var mass = 0.0, momentX = 0.0, momentY = 0.0
        for y in 0..<rows {
            for x in 0..<columns {
                let value = Double(block[y * columns + x])
                mass += value
                momentX += value * Double(x)
                momentY += value * Double(y)
            }
        }
        func corner(_ moment: Double, _ extent: Int, _ available: Int) -> Int {
            let centre = mass > 0 ? moment / mass : Double(extent - 1) / 2
            return min(max(Int((Double(available) / 2 - centre).rounded()), 0), max(available - extent, 0))
        }
        let left = corner(momentX, columns, width), top = corner(momentY, rows, height)
        var result = [UInt8](repeating: 0, count: width * height)
        for y in 0..<min(rows, height - top) {
            for x in 0..<min(columns, width - left) {
                result[(top + y) * width + left + x] = UInt8((255 * min(max(block[y * columns + x], 0), 1)).rounded())
            }
        }
        return result
    }
}
