/// The ink of one character, cut out of its picture.
package struct Glyph: Sendable {
    /// The box of the glyph; its edges lie where strokes have two fifths of the ink's level.
    package var box: PixelBox
    /// The ink, 0 paper to 1 ink, `[height + 2·margin, width + 2·margin]`: the box and the soft edges around it.
    package var ink: [Float]
    /// The margin around the box, in pixels.
    package var margin: Int

    package var stride: Int { box.width + 2 * margin }
    package var rows: Int { box.height + 2 * margin }

    /// - Parameters:
    ///   - labels: the component that each pixel belongs to (``InkComponents/grownLabels(_:floor:)``).
    ///   - members: the labels that belong to this glyph.
    package init(_ map: InkMap, labels: [Int32], members: Set<Int32>, box: PixelBox) {
        self.box = box
        margin = Self.margin(around: box)
        ink = [Float](repeating: 0, count: (box.width + 2 * margin) * (box.height + 2 * margin))
        let source = map.ink.span, owners = labels.span
        for row in 0..<rows {
            let y = box.y - margin + row
            guard y >= 0, y < map.height else { continue }
            for column in 0..<stride {
                let x = box.x - margin + column
                guard x >= 0, x < map.width else { continue }
                let i = y &* map.width &+ x
                if owners[i] != 0, members.contains(owners[i]) { ink[row &* stride &+ column] = source[i] }
            }
        }
    }

    /// Returns the margin around `box`, less around a long and thin one, which would be mostly margin.
    private static func margin(around box: PixelBox) -> Int {
        max(1, min(max(box.width, box.height) / 12, 64 + 4 * min(box.width, box.height)))
    }

    private init(box: PixelBox, ink: [Float], margin: Int) {
        (self.box, self.ink, self.margin) = (box, ink, margin)
    }

    /// The ink level exceeded by a quarter of the glyph's own ink: that of the pen where it presses.
    package var level: Float {
        var histogram = [Int](repeating: 0, count: 256)
        var count = 0
        for value in ink where value > 0.4 {
            histogram[min(Int(value * 128), 255)] += 1
            count += 1
        }
        guard count > 0 else { return 1 }
        var above = 0, bin = 255
        while bin > 0, 4 * (above + histogram[bin]) < count {
            above += histogram[bin]
            bin -= 1
        }
        return (Float(bin) + 0.5) / 128
    }

    /// The mean stroke width in pixels: twice the area of the strokes over the length of their outline.
    package var strokeWidth: Double {
        var area = 0, outline = 0
        for row in 0..<rows {
            for column in 0..<stride where ink[row * stride + column] > 0.5 {
                area += 1
                func isPaper(_ r: Int, _ c: Int) -> Bool {
                    r < 0 || c < 0 || r >= rows || c >= stride || ink[r * stride + c] <= 0.5
                }
                let edge =
                    isPaper(row - 1, column) || isPaper(row + 1, column) || isPaper(row, column - 1)
                    || isPaper(row, column + 1)
                if edge { outline += 1 }
            }
        }
        return max(1, 2 * Double(area) / Double(max(outline, 1)))
    }

    /// Returns the part between two paths from top to bottom, each given by its column (of ``ink``) in every row: the
    /// first column inside and the first one outside. Nil if no ink is left.
    package func part(from left: [Int], to right: [Int]) -> Glyph? {
        var kept = [Float](repeating: 0, count: ink.count)
        var minX = stride, maxX = -1, minY = rows, maxY = -1
        for row in 0..<rows {
            for column in max(left[row], 0)..<max(min(right[row], stride), max(left[row], 0)) {
                let value = ink[row * stride + column]
                kept[row * stride + column] = value
                if value > 0.5 {
                    (minX, maxX) = (min(minX, column), max(maxX, column))
                    (minY, maxY) = (min(minY, row), max(maxY, row))
                }
            }
        }
        guard maxX >= minX else { return nil }
        let part = PixelBox(
            x: box.x - margin + minX, y: box.y - margin + minY, width: maxX + 1 - minX, height: maxY + 1 - minY)
        let partMargin = Self.margin(around: part)
        let partStride = part.width + 2 * partMargin
        var result = [Float](repeating: 0, count: partStride * (part.height + 2 * partMargin))
        for row in 0..<(part.height + 2 * partMargin) {
            let from = minY - partMargin + row
            guard from >= 0, from < rows else { continue }
            for column in 0..<partStride {
                let fromColumn = minX - partMargin + column
                guard fromColumn >= 0, fromColumn < stride else { continue }
                result[row * partStride + column] = kept[from * stride + fromColumn]
            }
        }
        return Glyph(box: part, ink: result, margin: partMargin)
    }
}
