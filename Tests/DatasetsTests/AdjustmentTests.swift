import Formats
import Foundation
import Tensors
import Testing

@testable import Datasets

@Suite struct AdjustmentTests {
    private static let colour = Shape([9, 11, 3])

    private func image(_ shape: Shape) -> [Float] { (0..<shape.count).map { Float(($0 * 37 + $0 / 7) % 101) / 101 } }

    private func applied(
        _ adjustments: [Adjustment], to image: [Float], _ shape: Shape = colour, epoch: Int = 1, index: Int = 0
    ) throws -> [Float] {
        var options = AugmentationOptions()
        options.adjustments = adjustments
        let augmenter = try Augmenter(
            options, height: shape.height, width: shape.width, channels: shape.channels, seed: 3)
        var scratch = augmenter.makeScratch()
        let output = AlignedBuffer<Float>(count: image.count)
        output.withMutableSpan(0..<image.count) {
            augmenter.apply(image.span, into: &$0, epoch: epoch, sampleIndex: index, scratch: &scratch)
        }
        return output.array
    }

    private static let all: [Adjustment] = [
        Adjustment(Brightness(largest: 0.4)), Adjustment(Contrast(factors: 0.2...2)),
        Adjustment(Saturation(factors: 0...2)), Adjustment(Hue(degrees: 120)), Adjustment(Noise(deviation: 0.3)),
        Adjustment(Blur(deviation: 2)), Adjustment(StrokeWidth(pixels: 0.5...2.5)),
    ]

    @Test func everyKindChangesAndStaysInRange() throws {
        #expect(Self.all.count == Adjustment.kinds.count)
        for adjustment in Self.all {
            let before = image(Self.colour), after = try applied([adjustment], to: before)
            #expect(after != before, "\(adjustment.type)")
            #expect(after.allSatisfy { $0 >= 0 && $0 <= 1 }, "\(adjustment.type)")
            #expect(try applied([adjustment], to: before) == after, "\(adjustment.type)")
            #expect(try applied([adjustment], to: before, epoch: 2) != after, "\(adjustment.type)")
            #expect(try applied([adjustment], to: before, index: 1) != after, "\(adjustment.type)")
        }
    }

    /// The draws of number i: whether, then its own.
    private func draws(_ index: Int) -> RandomStream {
        var random = RandomStream(
            RandomAddress(seed: 3, purpose: .augmentation, major: 1, minor: 0, stream: UInt32(index + 1)))
        _ = random.uniform()
        return random
    }

    @Test func brightnessAndContrastByHand() throws {
        let before = image(Self.colour)
        var random = draws(0)
        let change = random.uniform(in: -0.4...0.4)
        let bright = try applied([Self.all[0]], to: before)
        for (a, b) in zip(before, bright) { #expect(b == min(max(a + change, 0), 1)) }
        random = draws(1)
        let factor = random.uniform(in: 0.2...2)
        let both = try applied([Self.all[0], Self.all[1]], to: before)
        let mean = Float(bright.reduce(0.0) { $0 + Double($1) } / Double(bright.count))
        for (a, b) in zip(bright, both) { #expect(b == min(max(mean + factor * (a - mean), 0), 1)) }
    }

    @Test func colourKeepsItsLightness() throws {
        // Greyish colours, which no turn takes out of range.
        let before: [Float] = (0..<Self.colour.count).map { index in
            let step = Float((index * 37) % 7 - 3)
            return 0.5 + 0.05 * step / 3
        }
        for adjustment in [Adjustment(Hue(degrees: 180)), Adjustment(Saturation(factors: 0...3))] {
            let after = try applied([adjustment], to: before)
            #expect(after != before)
            for pixel in stride(from: 0, to: before.count, by: 3) {
                func light(_ x: [Float]) -> Float { 0.299 * x[pixel] + 0.587 * x[pixel + 1] + 0.114 * x[pixel + 2] }
                #expect(abs(light(before) - light(after)) < 2e-5, "\(adjustment.type)")
            }
        }
    }

    @Test func greyHasNoHue() throws {
        let before: [Float] = (0..<Self.colour.count).map { Float($0 / 3 % 11) / 11 }
        for adjustment in [Adjustment(Hue(degrees: 180)), Adjustment(Saturation(factors: 0...3))] {
            let after = try applied([adjustment], to: before)
            for (a, b) in zip(before, after) { #expect(abs(a - b) < 2e-5) }
            #expect(
                throws: InputError(
                    "augmentation.adjustments[0]",
                    expected: "images of three channels, red, green and blue, for \(adjustment.type)",
                    received: "images of 9×11×1")
            ) { _ = try applied([adjustment], to: Array(before.prefix(99)), Shape([9, 11, 1])) }
        }
    }

    @Test func noiseIsNormal() throws {
        let shape = Shape([100, 100, 1])
        let after = try applied(
            [Adjustment(Noise(deviation: 0.1))], to: Array(repeating: 0.5, count: 10_000), shape)
        var random = draws(0)
        let sigma = 0.1 * Double(random.uniform())
        let mean = after.reduce(0.0) { $0 + Double($1) } / 10_000
        let variance = after.reduce(0.0) { $0 + pow(Double($1) - mean, 2) } / 10_000
        #expect(abs(mean - 0.5) < 4 * sigma / 100)
        #expect(abs(variance.squareRoot() / sigma - 1) < 0.03)
    }

    /// Against the extrema of each value's neighbourhood: whole pixels widen it, a part of one goes so far towards the next.
    @Test(arguments: [Float(-2.4), -1, -0.3, 0, 0.3, 1, 2.4])
    func strokesGrowAndShrink(pixels: Float) throws {
        let shape = Shape([12, 9, 2]), before = image(shape)
        let after = try applied([Adjustment(StrokeWidth(pixels: pixels...pixels))], to: before, shape)
        func extremum(_ image: [Float], _ row: Int, _ column: Int, _ c: Int, _ reach: Int) -> Float {
            var values: [Float] = []
            for y in max(row - reach, 0)...min(row + reach, 11) {
                for x in max(column - reach, 0)...min(column + reach, 8) { values.append(image[(y * 9 + x) * 2 + c]) }
            }
            return pixels > 0 ? values.max() ?? 0 : values.min() ?? 0
        }
        let whole = Int(abs(pixels)), part = abs(pixels) - Float(whole)
        for row in 0..<12 {
            for column in 0..<9 {
                for c in 0..<2 {
                    let near = extremum(before, row, column, c, whole)
                    let far = extremum(before, row, column, c, whole + 1)
                    #expect(abs(after[(row * 9 + column) * 2 + c] - (near + part * (far - near))) < 1e-6)
                }
            }
        }
    }

    /// Against the sum over the whole Gaussian in Double.
    @Test func blurIsAGaussian() throws {
        let shape = Shape([12, 9, 2]), before = image(shape)
        let after = try applied([Adjustment(Blur(deviation: 2))], to: before, shape)
        var random = draws(0)
        let sigma = 2 * Double(random.uniform()), radius = Int((3 * sigma).rounded(.up))
        func weight(_ d: Int) -> Double { exp(-0.5 * pow(Double(d) / sigma, 2)) }
        let total = (-radius...radius).reduce(0) { $0 + weight($1) }
        for row in 0..<12 {
            for column in 0..<9 {
                for c in 0..<2 {
                    var sum = 0.0
                    for i in -radius...radius {
                        for j in -radius...radius {
                            let y = min(max(row + i, 0), 11), x = min(max(column + j, 0), 8)
                            sum += weight(i) * weight(j) * Double(before[(y * 9 + x) * 2 + c])
                        }
                    }
                    #expect(abs(Double(after[(row * 9 + column) * 2 + c]) - sum / total / total) < 1e-5)
                }
            }
        }
    }

    @Test func probabilityIsHowOften() throws {
        let before = image(Self.colour)
        var changed = 0
        for index in 0..<400 {
            let adjustment = Adjustment(Brightness(largest: 0.5), probability: 0.25)
            if try applied([adjustment], to: before, index: index) != before { changed += 1 }
        }
        #expect((70...130).contains(changed))
    }

    /// Numbers that a change brings to NaN are black, not NaN.
    private struct Broken: AdjustmentKind {
        static let type = "broken"
        static var options: Section<Broken> { Section(initial: Broken(), fields: []) }
        func apply(to image: inout MutableSpan<Float>, _ shape: Shape, _ random: inout RandomStream) {
            image[0] = .nan
            image[1] = .infinity
            image[2] = -.infinity
        }
    }

    @Test func whatLeavesTheRangeIsBroughtBack() throws {
        let after = try applied([Adjustment(Broken())], to: image(Self.colour))
        #expect(Array(after.prefix(3)) == [0, 1, 0])
    }
}
