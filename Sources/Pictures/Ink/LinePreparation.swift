/// Converts the ink of a line of text to a network's input; see ``LineFrame``. Gaps between characters that are wider
/// than usual are shortened, so that text in wide boxes looks like text written on a line.
package struct LinePreparation: Sendable {
    package let frame: LineFrame
    /// The widths of lines are multiples of this step.
    package let step: Int
    /// The least width, a multiple of the step; shorter lines are followed by paper.
    private let least: Int

    /// The maximum gap between characters, relative to the ink's height.
    private static let widestGap = 0.75
    /// The ink level above which a column is not paper.
    private static let edge: Float = 0.3
    /// The maximum ratio of a line's width to its height.
    private static let longest = 128.0
    /// The minimum stroke width, relative to the ink's height.
    private static let leastStroke = 0.07

    package init(height: Int, step: Int, least: Int = 0) {
        (frame, self.step, self.least) = (LineFrame(height: height), step, least)
    }

    /// A line as presented to a network.
    package struct Line: Sendable {
        /// The pixels `[height, width]`, 0 paper to 255 ink.
        package var pixels: [UInt8]
        package var width: Int
        /// For each column of the picture, the column of the glyph's ink (``Glyph/ink``) where it begins; one more than
        /// columns.
        package var places: [Double]
    }

    /// Returns the prepared line, or nil if the glyph is too long for a line.
    package func line(_ glyph: Glyph) -> Line? {
        let level = glyph.level, height = Double(glyph.box.height)
        guard Double(glyph.box.width) <= Self.longest * height else { return nil }
        var ink = glyph.ink.map { min(max($0 / level, 0), 1) }
        var (columns, rows) = (glyph.stride, glyph.rows)
        let radius = max(0, (Self.leastStroke * height - glyph.strokeWidth) / 2)
        if radius > 0 { ink = StrokeWidth.widened(ink, columns: columns, rows: rows, by: Float(radius)) }
        let kept = Self.kept(ink, columns: columns, rows: rows, widest: max(1, Int(Self.widestGap * height)))
        if kept.count < columns {
            ink = (0..<rows).flatMap { row in kept.map { ink[row * columns + $0] } }
            columns = kept.count
        }
        // Enlarge small writing smoothly before averaging.
        var zoom = 1
        if glyph.box.height < 2 * frame.inkHeight {
            zoom = (2 * frame.inkHeight + glyph.box.height - 1) / glyph.box.height
            ink = GlyphPreparation.enlarged(ink, columns: columns, rows: rows, factor: zoom)
            (columns, rows) = (columns * zoom, rows * zoom)
        }
        let top = Double(glyph.margin * zoom) - radius * Double(zoom)
        let extent = (height + 2 * radius) * Double(zoom), scale = Double(frame.inkHeight) / extent
        let left = top, inkWidth = Double(columns) - 2 * left
        let width = max(1, Int((inkWidth * scale).rounded()))
        let narrow = GlyphPreparation.areaMeans(
            ink, columns: columns, rows: rows, from: left, step: inkWidth / Double(width), count: width)
        let block = GlyphPreparation.areaMeans(
            narrow, columns: rows, rows: width, from: top, step: extent / Double(frame.inkHeight),
            count: frame.inkHeight)
        return placed(block, width: width) { column in
            let source = (left + Double(column) * inkWidth / Double(width)) / Double(zoom)
            let index = min(max(Int(source), 0), kept.count - 1)
            return Double(kept[index]) + source - Double(index)
        }
    }

    /// The shortest line without ink.
    package var paper: Line { placed([Float](repeating: 0, count: frame.inkHeight), width: 1) { _ in 0 } }

    /// Places a block `[inkHeight, width]` on paper.
    private func placed(_ block: [Float], width: Int, _ place: (Int) -> Double) -> Line {
        let height = frame.height, whole = max(least, (width + 2 * frame.side + step - 1) / step * step)
        let top = (height - frame.inkHeight) / 2
        var pixels = [UInt8](repeating: 0, count: height * whole)
        for y in 0..<frame.inkHeight {
            for x in 0..<width {
                let value = min(max(block[y * width + x], 0), 1)
                pixels[(top + y) * whole + frame.side + x] = UInt8((255 * value).rounded())
            }
        }
        return Line(pixels: pixels, width: whole, places: (0...whole).map { place($0 - frame.side) })
    }

    /// Returns the columns that are kept when runs of paper are shortened to at most `widest`.
    private static func kept(_ ink: [Float], columns: Int, rows: Int, widest: Int) -> [Int] {
        var hasInk = [Bool](repeating: false, count: columns)
        for row in 0..<rows {
            for column in 0..<columns where ink[row * columns + column] > edge { hasInk[column] = true }
        }
        guard let first = hasInk.firstIndex(of: true), let last = hasInk.lastIndex(of: true) else {
            return Array(0..<columns)
        }
        var result = Array(0..<first), start = first
        while start <= last {
            let isInk = hasInk[start]
            var end = start
            while end <= last, hasInk[end] == isInk { end += 1 }
            let length = end - start
            // Keep half of the shortened gap at either end of the run.
            for offset in 0..<length
            where isInk || length <= widest || offset < widest / 2
                || offset >= length - (widest - widest / 2)
            {
                result.append(start + offset)
            }
            start = end
        }
        return result + Array((last + 1)..<columns)
    }
}
