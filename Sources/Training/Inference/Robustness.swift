import Datasets
import Tensors

/// The number of images that a classifier gets right under corruptions of increasing strength.
package struct Robustness: Hashable, Sendable {
    /// One strength of one corruption.
    package struct Level: Hashable, Sendable {
        package var strength: Double
        package var correct: Int

        package init(strength: Double, correct: Int) {
            self.strength = strength
            self.correct = correct
        }
    }

    /// One corruption at its strengths, ascending.
    package struct Curve: Hashable, Sendable {
        package typealias Family = CorruptionKind.Family

        package var kind: CorruptionKind
        package var levels: [Level]

        package init(kind: CorruptionKind, levels: [Level]) {
            self.kind = kind
            self.levels = levels
        }
    }

    /// The number of images.
    package var count: Int
    /// The number of images classified correctly without corruption.
    package var clean: Int
    package var curves: [Curve]

    package init(count: Int, clean: Int, curves: [Curve]) {
        self.count = count
        self.clean = clean
        self.curves = curves
    }

    /// The seed of all corruptions; fixed, so that models are compared on the same corrupted images.
    package static let seed: UInt64 = 0

    /// Returns a strength by the Float's own decimal text instead of its binary value: 0.1 and not 0.10000000149.
    package static func decimal(_ strength: Float) -> Double { Double("\(strength)") ?? Double(strength) }
}

extension Classifier {
    /// Classifies the images under every corruption at every strength. The counts are the same for every thread count.
    /// - Parameter progress: Called with each corruption before it begins.
    /// - Throws: `InputError` if images are larger than ``Augmenter`` accepts, or there are none.
    package func robustness(
        on images: ImageSet, progress: (CorruptionKind) -> Void = { _ in }
    ) throws(InputError) -> Robustness {
        guard images.count > 0 else {
            throw InputError("--robustness", expected: "at least one test image", received: "none")
        }
        var result = Robustness(count: images.count, clean: 0, curves: [])
        for kind in CorruptionKind.allCases {
            progress(kind)
            var curve = Robustness.Curve(kind: kind, levels: [])
            for strength in kind.strengths {
                let correct = try correct(images, kind, strength)
                curve.levels.append(.init(strength: Robustness.decimal(strength), correct: correct))
            }
            result.curves.append(curve)
        }
        result.clean = try correct(images, .contrast, 0)
        return result
    }

    private func correct(
        _ images: ImageSet, _ kind: CorruptionKind, _ strength: Float
    ) throws(InputError) -> Int {
        let corruption = try Corruption(
            kind, strength: strength, height: images.height, width: images.width, channels: images.channels,
            seed: Robustness.seed)
        let source = CorruptedImages(images, corruption: corruption, normalization: normalization, pool: pool)
        var correct = 0
        for start in stride(from: 0, to: images.count, by: network.batchSize) {
            let range = start..<min(start + network.batchSize, images.count)
            source.fill(batch.images, range: range)
            for (slot, index) in range.enumerated() { batch.labels[slot] = Int32(images.labels[index]) }
            network.predict(images: batch.images, count: range.count, probabilities: probabilities)
            correct += network.score(labels: batch.labels, count: range.count).correct
        }
        return correct
    }
}
