import Tensors
import TestSupport
import Testing

@testable import Datasets

@Suite struct AugmentationTests {
    private func apply(_ augmenter: Augmenter, _ image: [UInt8], epoch: Int = 1, _ index: Int = 0) -> [Float] {
        let output = AlignedBuffer<Float>(count: image.count)
        var scratch = augmenter.makeScratch()
        output.withMutableSpan(0..<image.count) { span in
            augmenter.apply(image.span, into: &span, epoch: epoch, sampleIndex: index, scratch: &scratch)
        }
        return output.array
    }

    private func augmenter(
        _ side: Int = 28, width: Int? = nil, channels: Int = 1, _ change: (inout AugmentationOptions) -> Void
    ) throws -> Augmenter {
        var options = AugmentationOptions()
        change(&options)
        return try Augmenter(options, height: side, width: width ?? side, channels: channels, seed: 11)
    }

    static let cases: [(String, AugmentationOptions)] = {
        func options(_ change: (inout AugmentationOptions) -> Void) -> AugmentationOptions {
            var options = AugmentationOptions()
            change(&options)
            return options
        }
        let affine = options {
            $0.rotation = 10
            $0.scale = 0.9...1.1
            $0.shear = 0.1
            $0.translation = 2
        }
        return [
            ("rotation", options { $0.rotation = 180 }), ("scale", options { $0.scale = 0.3...3 }),
            ("shear", options { $0.shear = 2 }), ("translation", options { $0.translation = 40 }), ("affine", affine),
            ("elastic", options { $0.elastic = .init(alpha: 34, sigma: 4) }),
            ("narrow elastic", options { $0.elastic = .init(alpha: 3, sigma: 0.6, probability: 0.5) }),
            ("wide elastic", options { $0.elastic = .init(alpha: 200, sigma: 30) }),
            ("flip", options { $0.horizontalFlip = 0.5 }),
            (
                "affine and flip",
                options {
                    $0 = affine
                    $0.horizontalFlip = 0.6
                }
            ),
            ("erasing", options { $0.erasing = .init(probability: 0.7, area: 0.01...1, aspectRatio: 0.1...10) }),
            (
                "all",
                options {
                    $0 = affine
                    $0.horizontalFlip = 0.3
                    $0.elastic = .init()
                    $0.erasing = .init()
                }
            ),
        ]
    }()

    @Test(arguments: cases) func agreesWithTheNaiveTwin(_ name: String, _ options: AugmentationOptions) throws {
        for (height, width, channels) in [(28, 28, 1), (9, 21, 1), (17, 16, 3), (1, 1, 1), (5, 33, 2)] {
            let augmenter = try Augmenter(options, height: height, width: width, channels: channels, seed: 11)
            let reference = AugmentationReference(
                options: options, height: height, width: width, channels: channels, seed: 11)
            for index in 0..<4 {
                let image = randomBytes(height * width * channels, UInt32(index))
                let fast = apply(augmenter, image, epoch: 3, index)
                let naive = reference.apply(image, epoch: 3, sampleIndex: index)
                // A coordinate of size c has an error of some c·2⁻²⁴, and neighbouring pixels differ by 1 at most.
                let error = largestDifference(fast, naive)
                #expect(error < 2e-5, "\(name) \(height)×\(width)×\(channels)")
                #expect(fast.allSatisfy { $0 >= 0 && $0 <= 1 })
            }
        }
    }

    @Test func identityReproducesEveryPixel() throws {
        let image = (0..<784).map { UInt8($0 % 256) }
        let exact = image.map { Float($0) / 255 }
        #expect(apply(try augmenter { _ in }, image) == exact)
        // Through the warp too: nothing drawn moves anything.
        let still = try augmenter { $0.elastic = .init(alpha: 0, sigma: 4) }
        #expect(apply(still, image) == exact)
    }

    @Test func quarterTurnsAndWholeShiftsAreExact() throws {
        for side in [5, 28] {
            let augmenter = try augmenter(side) { $0.rotation = 1 }
            let image = randomBytes(side * side, 3)
            func warped(_ map: Augmenter.Map) -> [Float] {
                let output = AlignedBuffer<Float>(count: image.count)
                var padded = [Float](repeating: 0, count: (side + 2) * (side + 2))
                output.withMutableSpan(0..<image.count) { span in
                    augmenter.resample(image.span, map, displacements: [], padded: &padded, into: &span)
                }
                return output.array
            }
            func expected(_ source: (_ x: Int, _ y: Int) -> (Int, Int)) -> [Float] {
                (0..<(side * side)).map {
                    let (x, y) = source($0 % side, $0 / side)
                    guard (0..<side).contains(x), (0..<side).contains(y) else { return 0 }
                    return Float(image[y * side + x]) / 255
                }
            }
            let last = side - 1
            func turn(_ angle: Float) -> Augmenter.Map {
                Augmenter.Map(rotation: angle, scale: 1, shear: 0, shiftX: 0, shiftY: 0)
            }
            // Clockwise: the right-hand column of the output is the top row of the input.
            #expect(warped(turn(90)) == expected { x, y in (y, last - x) })
            #expect(warped(turn(-90)) == expected { x, y in (last - y, x) })
            #expect(warped(turn(180)) == expected { x, y in (last - x, last - y) })
            #expect(warped(turn(-180)) == expected { x, y in (last - x, last - y) })
            let shift = Augmenter.Map(rotation: 0, scale: 1, shear: 0, shiftX: 2, shiftY: -1)
            #expect(warped(shift) == expected { x, y in (x - 2, y + 1) })
        }
    }

    /// Every image in every other epoch; one half of them begin.
    @Test func flipsByTurns() throws {
        let flip = try augmenter(5, width: 7, channels: 2) {
            $0.horizontalFlip = 0.5
            $0.alternatingFlip = true
        }
        let image = (0..<70).map { UInt8($0) }
        let plain = image.map { Float($0) / 255 }
        var first = 0
        for index in 0..<2_000 {
            let isFlipped = (1...6).map { apply(flip, image, epoch: $0, index) != plain }
            #expect(zip(isFlipped, isFlipped.dropFirst()).allSatisfy { $0 != $1 })
            first += isFlipped[0] ? 1 : 0
        }
        // Six deviations of half of them.
        #expect((866...1_134).contains(first))
    }

    @Test func aFlipMirrorsColumnsExactlyAndAsOftenAsAsked() throws {
        let flip = try augmenter(5, width: 7, channels: 2) { $0.horizontalFlip = 0.25 }
        let image = randomBytes(5 * 7 * 2, 6)
        let exact = image.map { Float($0) / 255 }
        let mirrored = exact.indices.map { exact[$0 / 14 * 14 + (6 - $0 % 14 / 2) * 2 + $0 % 2] }
        var flipped = 0
        for index in 0..<4_000 {
            let found = apply(flip, image, epoch: 1, index)
            #expect(found == exact || found == mirrored)
            flipped += found == mirrored ? 1 : 0
        }
        // Binomial: 1,000 of 4,000 expected, standard deviation 27.
        #expect((850...1_150).contains(flipped))
        let always = try augmenter(5, width: 7, channels: 2) { $0.horizontalFlip = 1 }
        #expect(apply(always, image) == mirrored)
    }

    @Test func drawsDependOnTheirAddressOnly() throws {
        let augmenter = try augmenter {
            $0.rotation = 20
            $0.elastic = .init()
            $0.erasing = .init()
        }
        let image = randomBytes(784, 4)
        let first = apply(augmenter, image, epoch: 2, 7)
        _ = apply(augmenter, image, epoch: 5, 9)
        #expect(apply(augmenter, image, epoch: 2, 7) == first)
        #expect(apply(augmenter, image, epoch: 3, 7) != first)
        #expect(apply(augmenter, image, epoch: 2, 8) != first)
        let other = try Augmenter(augmenter.options, height: 28, width: 28, channels: 1, seed: 12)
        #expect(apply(other, image, epoch: 2, 7) != first)
        // Scratch memory carries nothing over from one image to the next.
        var scratch = augmenter.makeScratch()
        let output = AlignedBuffer<Float>(count: 784)
        for index in [3, 7] {
            output.withMutableSpan(0..<784) { span in
                augmenter.apply(image.span, into: &span, epoch: 2, sampleIndex: index, scratch: &scratch)
            }
        }
        #expect(output.array == first)
    }

    @Test func optionsOutOfRange() {
        func message(_ change: (inout AugmentationOptions) -> Void) -> String {
            inputError { _ = try augmenter(4, change) }
        }
        #expect(message { $0.rotation = 181 } == "augmentation.rotation: expected 0.0...180.0 · received 181.0")
        #expect(message { $0.rotation = .nan }.contains("received nan"))
        #expect(message { $0.scale = 0...1 }.hasPrefix("augmentation.scale: "))
        #expect(message { $0.shear = -1 }.hasPrefix("augmentation.shear: "))
        #expect(message { $0.translation = .infinity }.hasPrefix("augmentation.translation: "))
        #expect(message { $0.horizontalFlip = 1.5 }.hasPrefix("augmentation.horizontalFlip: "))
        #expect(message { $0.alternatingFlip = true }.hasPrefix("augmentation.alternatingFlip: "))
        #expect(message { $0.elastic = .init(alpha: -1) }.hasPrefix("augmentation.elastic.alpha: "))
        #expect(message { $0.elastic = .init(sigma: -1) }.hasPrefix("augmentation.elastic.sigma: "))
        #expect(message { $0.elastic = .init(probability: 2) }.hasPrefix("augmentation.elastic.probability: "))
        #expect(message { $0.erasing = .init(probability: 2) }.hasPrefix("augmentation.erasing.probability: "))
        #expect(message { $0.erasing = .init(area: 0...2) }.hasPrefix("augmentation.erasing.area: "))
        #expect(message { $0.erasing = .init(aspectRatio: 0...1) }.hasPrefix("augmentation.erasing.aspectRatio: "))
        #expect(inputError { _ = try augmenter(0) { _ in } }.contains("images of 1 to 2^23 pixels"))
    }
}
