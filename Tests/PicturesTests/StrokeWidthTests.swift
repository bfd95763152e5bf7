import Tensors
import TestSupport
import Testing

@testable import Pictures

@Suite struct StrokeWidthTests {
    /// Against the distance to every pixel of ink in turn.
    @Test func distancesAreEuclid() {
        var stream = RandomStream(RandomAddress(seed: 3, purpose: .test))
        for (columns, rows) in [(1, 1), (1, 9), (17, 1), (13, 11), (8, 20)] {
            var ink = (0..<(columns * rows)).map { _ in stream.integer(below: 12) == 0 ? Float(1) : 0 }
            ink[stream.integer(below: ink.count)] = 1
            let found = StrokeWidth.squaredDistances(ink, columns: columns, rows: rows)
            for index in ink.indices {
                let least = ink.indices.filter { ink[$0] > 0.5 }.map { other in
                    let (dx, dy) = (index % columns - other % columns, index / columns - other / columns)
                    return dx * dx + dy * dy
                }.min()
                #expect(Float(least ?? -1) == found[index])
            }
        }
    }

    @Test func aStrokeGrowsByTheRadiusOnEitherSide() {
        var ink = [Float](repeating: 0, count: 21 * 5)
        for row in 0..<5 { ink[row * 21 + 10] = 1 }
        let wide = StrokeWidth.widened(ink, columns: 21, rows: 5, by: 3.5)
        let expected: [Float] = [0.5, 1, 1, 1, 1, 1, 1, 1, 0.5]
        #expect(Array(wide[(2 * 21 + 6)...(2 * 21 + 14)]) == expected)
        #expect(wide[2 * 21 + 5] == 0 && StrokeWidth.widened(ink, columns: 21, rows: 5, by: 0) == ink)
    }

    /// A hair line is as dark, after preparation, as one drawn with a brush.
    @Test(arguments: [1, 2, 4, 12, 28]) func aHairLineIsAsDarkAsAStroke(pen: Int) throws {
        var sheet = Sheet(width: 400, height: 400)
        // A cross that stands aslant: straight lines along the picture would be rules.
        for step in 0..<280 {
            sheet.fill(x: 60 + step, y: 60 + step, width: pen, height: pen)
            sheet.fill(x: 340 - step, y: 60 + step, width: pen, height: pen)
        }
        let map = try #require(InkMap(sheet.image(paper: 255, pen: 0)))
        let glyph = try #require(Segmentation(map).single?.glyph)
        let bytes = GlyphPreparation(height: 28, width: 28).bytes(glyph)
        #expect(bytes.max() ?? 0 >= 200)
        let ink = bytes.reduce(0) { $0 + Int($1) } / 255
        #expect(ink >= 35, "\(ink) pixels of ink")
    }
}
