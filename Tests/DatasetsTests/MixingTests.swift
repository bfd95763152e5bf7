import Tensors
import Testing
import Workers

@testable import Datasets

@Suite struct MixingTests {
    private static let both: AugmentationOptions = {
        var options = AugmentationOptions()
        options.rotation = 20
        options.translation = 1
        options.mixup = .init(alpha: 0.4, probability: 0.4)
        options.cutmix = .init(alpha: 1, probability: 0.4)
        return options
    }()

    /// The first batch of an epoch, in order.
    private func batch(
        _ set: ImageSet, _ options: AugmentationOptions, epoch: Int = 3, threads: Int = 1, normalizes: Bool = true
    ) throws -> (images: [Float], labels: [Int32], others: [Int32], shares: [Float], isMixed: Bool) {
        let augmenter = try Augmenter(
            options, height: set.height, width: set.width, channels: set.channels, seed: 7)
        let pool = WorkerPool(threads: threads)
        defer { pool.shutdown() }
        let loader = BatchLoader(
            data: set, batchSize: set.count, normalization: normalizes ? (0.2, 0.5) : nil, augmenter: augmenter,
            seed: 7, shuffle: false, pool: pool)
        loader.start(epoch: epoch)
        let batch = try #require(loader.next())
        return (
            batch.images.array, batch.labels.array, batch.otherLabels.array, batch.labelShares.array, batch.isMixed
        )
    }

    /// Every image of a batch made again from the augmented images by plain loops.
    @Test func imagesAndLabelsAreMixedAsDrawn() throws {
        let set = try randomSet(80, height: 9, width: 7, channels: 2)
        let found = try batch(set, Self.both)
        var plainOptions = Self.both
        (plainOptions.mixup, plainOptions.cutmix) = (nil, nil)
        let plain = try batch(set, plainOptions)
        #expect(found.isMixed && !plain.isMixed && found.labels == plain.labels)
        let mixing = try #require(
            Mixing(Self.both, height: 9, width: 7, channels: 2, count: 80, seed: 7))
        var sorts = [0, 0, 0]
        let size = 9 * 7 * 2
        for index in 0..<80 {
            let own = Array(plain.images[index * size..<(index + 1) * size])
            let image = Array(found.images[index * size..<(index + 1) * size])
            guard let draw = mixing.draw(epoch: 3, sampleIndex: index) else {
                sorts[0] += 1
                #expect(image == own && found.others[index] == found.labels[index] && found.shares[index] == 1)
                continue
            }
            #expect(found.others[index] == found.labels[draw.partner] && found.shares[index] == draw.share)
            let partner = Array(plain.images[draw.partner * size..<(draw.partner + 1) * size])
            if let rows = draw.rows, let columns = draw.columns {
                sorts[1] += 1
                #expect(abs(Double(draw.share) - (1 - Double(rows.count * columns.count) / 63)) < 1e-6)
                for i in 0..<size {
                    let inside = rows.contains(i / 14) && columns.contains(i % 14 / 2)
                    #expect(image[i] == (inside ? partner[i] : own[i]))
                }
            } else {
                sorts[2] += 1
                for i in 0..<size {
                    let exact = Double(draw.share) * Double(own[i]) + (1 - Double(draw.share)) * Double(partner[i])
                    #expect(abs(Double(image[i]) - exact) < 1e-5)
                }
            }
        }
        // 16, 32 and 32 of 80 expected.
        #expect(sorts[0] > 5 && sorts[1] > 15 && sorts[2] > 15)
        for threads in 2...3 {
            let other = try batch(set, Self.both, threads: threads)
            #expect(other.images == found.images && other.others == found.others && other.shares == found.shares)
        }
        #expect(try batch(set, Self.both, epoch: 4).images != found.images)
    }

    /// Mean 1/2 and variance 1/(4(2α + 1)), to five deviations of 20,000 draws.
    @Test(arguments: [0.05, 0.2, 1, 3] as [Float])
    func sharesFollowTheBetaDistribution(alpha: Float) {
        var sum = 0.0, squares = 0.0, fourth = 0.0
        let count = 20_000
        for index in 0..<count {
            var stream = RandomStream(RandomAddress(seed: 2, purpose: .test, minor: UInt32(index)))
            let share = Mixing.share(alpha, &stream)
            #expect(share >= 0 && share <= 1)
            sum += share
            squares += (share - 0.5) * (share - 0.5)
            fourth += (share - 0.5) * (share - 0.5) * (share - 0.5) * (share - 0.5)
        }
        let n = Double(count), variance = 1 / (4 * (2 * Double(alpha) + 1))
        #expect(abs(sum / n - 0.5) < 5 * (variance / n).squareRoot())
        #expect(abs(squares / n - variance) < 5 * ((fourth / n - variance * variance) / n).squareRoot())
    }

    /// α → 0 leaves one of the two, without NaN.
    @Test func tinyAlphaIsDefined() {
        for index in 0..<200 {
            var stream = RandomStream(RandomAddress(seed: 2, purpose: .test, minor: UInt32(index)))
            let share = Mixing.share(1e-30, &stream)
            #expect(share == 0 || share == 1)
        }
    }

    /// Partners are uniform over the set; a rectangle lies inside the image.
    @Test func draws() throws {
        var options = AugmentationOptions()
        options.cutmix = .init()
        let mixing = try #require(Mixing(options, height: 6, width: 5, channels: 1, count: 10, seed: 1))
        var counts = [Int](repeating: 0, count: 10)
        for index in 0..<5_000 {
            let draw = try #require(mixing.draw(epoch: 1, sampleIndex: index))
            counts[draw.partner] += 1
            let rows = try #require(draw.rows), columns = try #require(draw.columns)
            #expect(rows.lowerBound >= 0 && rows.upperBound <= 6 && columns.lowerBound >= 0 && columns.upperBound <= 5)
        }
        // 500 expected of each, deviation 21.
        #expect(counts.allSatisfy { abs($0 - 500) < 110 })
        #expect(Mixing(AugmentationOptions(), height: 6, width: 5, channels: 1, count: 10, seed: 1) == nil)
    }

    /// Each image counts by its own weight: λ·w₁ and (1 − λ)·w₂.
    @Test func weightsAreThoseOfEachImage() throws {
        let plain = try randomSet(80, height: 9, width: 7, channels: 1)
        let weights = (0..<80).map { $0.isMultiple(of: 2) ? Float(0) : 2 }
        var options = Self.both
        options.cutmix = nil
        let augmenter = try Augmenter(options, height: 9, width: 7, channels: 1, seed: 7)
        let pool = WorkerPool(threads: 1)
        let loader = BatchLoader(
            data: try plain.weighted(weights), batchSize: 80, normalization: nil, augmenter: augmenter, seed: 7,
            shuffle: false, pool: pool)
        loader.start(epoch: 3)
        let batch = try #require(loader.next()), found = try #require(batch.weights).array
        let mixing = try #require(Mixing(options, height: 9, width: 7, channels: 1, count: 80, seed: 7))
        var mixed = 0
        for index in 0..<80 {
            guard let draw = mixing.draw(epoch: 3, sampleIndex: index) else {
                #expect(found[index] == weights[index] && batch.labelShares[index] == 1)
                continue
            }
            mixed += 1
            let parts = (draw.share * weights[index], (1 - draw.share) * weights[draw.partner])
            #expect(abs(found[index] * batch.labelShares[index] - parts.0) < 1e-6)
            #expect(abs(found[index] * (1 - batch.labelShares[index]) - parts.1) < 1e-6)
        }
        #expect(mixed > 10)
    }
}
