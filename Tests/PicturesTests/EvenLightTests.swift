import Foundation
import TestSupport
import Testing

@testable import Pictures

/// Writing under a lamp and in a shadow: found where it is, as under even light.
@Suite struct EvenLightTests {
    private static let places = [(30, 40), (110, 52), (190, 36), (270, 60), (350, 44)]

    private static func sheet() -> Sheet {
        var sheet = Sheet(width: 420, height: 160)
        for (x, y) in places {
            sheet.fill(x: x, y: y, width: 9, height: 60)
            sheet.fill(x: x, y: y, width: 34, height: 8)
        }
        return sheet
    }

    private static func lit(_ image: GreyImage, _ light: (Double, Double) -> Double) -> GreyImage {
        var pixels = image.pixels
        for i in pixels.indices {
            let (x, y) = (Double(i % image.width) / Double(image.width), Double(i / image.width) / Double(image.height))
            pixels[i] = UInt8(min(Double(pixels[i]) * light(x, y), 255))
        }
        return GreyImage(width: image.width, height: image.height, pixels: pixels)
    }

    private static let lamp: @Sendable (Double, Double) -> Double = { x, y in
        0.15 + 0.85 * exp(-4 * ((x - 0.2) * (x - 0.2) + (y - 0.3) * (y - 0.3)))
    }

    /// A shadow with a soft edge across the picture.
    private static let shadow: @Sendable (Double, Double) -> Double = { x, y in
        let depth = min(max((x + 0.1 * y - 0.6) / 0.12, 0), 1)
        return 1 - 0.65 * depth * depth * (3 - 2 * depth)
    }

    private func boxes(_ image: GreyImage) throws -> [PixelBox] {
        Segmentation(try #require(InkMap.clearest(image))).lines.joined().map(\.box)
    }

    @Test(arguments: [true, false]) func unevenLightHidesNothing(isLamp: Bool) throws {
        let image = Self.sheet().image(paper: 235, pen: 40)
        let even = try boxes(image), dark = Self.lit(image, isLamp ? Self.lamp : Self.shadow)
        let found = try boxes(#require(dark.underEvenLight()))
        #expect(even.map { [$0.x, $0.y] } == Self.places.map { [$0.0, $0.1] })
        #expect(found.count == even.count, "\(found)")
        for (a, b) in zip(found, even) {
            let differences = [a.x - b.x, a.y - b.y, a.right - b.right, a.bottom - b.bottom].map(abs)
            #expect(differences.allSatisfy { $0 <= 2 }, "\(a) for \(b)")
        }
    }

    /// Even light is left as it is, and so is chalk on a board, under whatever light.
    @Test func whatIsEvenOrChalkIsLeftAlone() {
        let paper = Self.sheet().image(paper: 235, pen: 40, slope: 0.2)
        #expect(paper.underEvenLight() == nil)
        let board = Self.lit(Self.sheet().image(paper: 70, pen: 230), Self.lamp)
        #expect(board.underEvenLight() == nil)
        let small = Self.lit(Sheet(width: 40, height: 40).image(paper: 235, pen: 40), Self.lamp)
        #expect(small.underEvenLight() == nil)
    }

    /// A gradient alone is no writing.
    @Test(arguments: [0.1, 0.25, 0.5]) func aGradientIsEmpty(least: Double) {
        let blank = Self.lit(Sheet(width: 300, height: 200).image(paper: 235, pen: 40)) { x, _ in
            least + (1 - least) * x
        }
        #expect(InkMap.clearest(blank.underEvenLight() ?? blank) == nil)
    }
}
