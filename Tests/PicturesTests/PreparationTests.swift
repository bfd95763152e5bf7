import Foundation
import TestSupport
import Testing

@testable import Pictures

/// What digits in pictures become, against SciPy (`Tests/Oracles/make_preparation.py`).
@Suite struct PreparationTests {
    private struct Fixture: Decodable {
        struct Case: Decodable {
            var file, levels: String
            var box: [Int]
        }
        var madeBy: String
        var cases: [Case]
    }

    @Test func levelsAreSciPys() throws {
        let folder = Bundle.module.bundleURL.appendingPathComponent("Fixtures/preparation")
        let fixture = try JSONDecoder().decode(
            Fixture.self, from: Data(contentsOf: folder.appendingPathComponent("expected.json")))
        #expect(fixture.cases.count == 24)
        for item in fixture.cases {
            let image = try ImageDecoder.read(folder.appendingPathComponent(item.file).path)
            let map = try #require(InkMap(image))
            #expect(map.isDarkOnLight == (image.pixels[0] > 127), "\(item.file)")
            let single = try #require(Segmentation(map).single)
            let box = single.glyph.box
            #expect(single.others == 0 && [box.x, box.y, box.width, box.height] == item.box, "\(item.file)")
            let levels = GlyphPreparation(height: 28, width: 28).bytes(single.glyph)
            let expected = DecodingFixture.Picture(width: 28, height: 28, slack: 0, levels: item.levels).pixels
            let difference = zip(levels, expected).map { abs(Int($0) - Int($1)) }.max() ?? 0
            // The ink's level is known to half of 1/128, and each of two roundings is half a level.
            #expect(levels.count == 784 && difference <= 2, "\(item.file): \(difference)")
        }
    }

    /// Digits that are prepared stay as they are: shape, place and nearly all of their ink.
    @Test(arguments: [3, 5, 8]) func mnistsOwnDigitsComeBack(zoom: Int) throws {
        for index in 0..<40 {
            let digit = try SampleDigits.digit(index).pixels
            var sheet = Sheet(width: 28 * zoom + 9, height: 28 * zoom + 4)
            sheet.put(digit, x: 5, y: 3, zoom: zoom)
            let map = try #require(InkMap(sheet.image(paper: 220, pen: 15)))
            let single = try #require(Segmentation(map).single)
            let levels = GlyphPreparation(height: 28, width: 28).bytes(single.glyph)
            // Boxes at two fifths of the ink are up to a pixel smaller than MNIST's, and a centre of mass may round to the
            // next pixel: the cosine of the two pictures at the best of nine places.
            let cosines = (-1...1).flatMap { dy in (-1...1).map { Self.cosine(levels, digit, dx: $0, dy: dy) } }
            #expect(cosines.max() ?? 0 > 0.9, "digit \(index): \(cosines.max() ?? 0)")
        }
    }

    /// Of picture a and picture b moved by (dx, dy).
    private static func cosine(_ a: [UInt8], _ b: [UInt8], dx: Int, dy: Int) -> Double {
        var (product, first, second) = (0.0, 0.0, 0.0)
        for y in 0..<28 {
            for x in 0..<28 {
                let (u, v) = (x - dx, y - dy)
                let moved = u >= 0 && v >= 0 && u < 28 && v < 28 ? Double(b[28 * v + u]) : 0
                let own = Double(a[28 * y + x])
                product += own * moved
                first += own * own
                second += moved * moved
            }
        }
        return product / (first * second).squareRoot()
    }

    @Test func areaMeansKeepTheSum() {
        // 5 columns become 3, 2 rows stay: turned.
        let values: [Float] = [1, 2, 3, 4, 5, 10, 20, 30, 40, 50]
        let result = GlyphPreparation.areaMeans(values, columns: 5, rows: 2, from: 0, step: 5.0 / 3, count: 3)
        // Parts of 5/3 columns: 1 + 2·2/3, then 2/3·… by hand.
        let first: Float = (1 + 2 * 2 / 3) * 3 / 5, second: Float = (2.0 / 3 + 3 + 4.0 / 3) * 3 / 5
        let third: Float = (4 * 2.0 / 3 + 5) * 3 / 5
        for (i, mean) in [first, second, third].enumerated() {
            #expect(abs(result[2 * i] - mean) < 1e-5 && abs(result[2 * i + 1] - 10 * mean) < 1e-4)
        }
    }

    @Test func otherInputsTakeTheSameShare() {
        #expect(GlyphPreparation(height: 28, width: 28).side == 20)
        #expect(GlyphPreparation(height: 32, width: 48).side == 23)
        #expect(GlyphPreparation(height: 56, width: 56).side == 40)
        #expect(GlyphPreparation(height: 1, width: 1).side == 1)
        var sheet = Sheet(width: 60, height: 60)
        sheet.fill(x: 20, y: 10, width: 8, height: 40)
        let glyph = InkMap(sheet.image(paper: 255, pen: 0)).map { Segmentation($0).single?.glyph } ?? nil
        for (height, width) in [(16, 16), (28, 40), (9, 5), (1, 1)] {
            let bytes = glyph.map { GlyphPreparation(height: height, width: width).bytes($0) }
            #expect(bytes?.count == height * width && bytes?.max() ?? 0 > 0, "\(height)×\(width)")
        }
    }

    @Test func picturesAreReducedByMeans() {
        let image = GreyImage(width: 5, height: 3, pixels: [0, 10, 20, 30, 99, 40, 50, 60, 70, 99, 9, 9, 9, 9, 9])
        #expect(image.reduced(by: 2) == GreyImage(width: 2, height: 1, pixels: [25, 45]))
        #expect(image.reduced(by: 9).pixels.count == 1)
        #expect(image.resized(width: 5, height: 3) == image)
        #expect(image.inverted.pixels[4] == 156)
    }
}
