import Datasets
import Tensors

/// How many images a classifier gets right as they are spoilt by degrees.
public struct Robustness: Hashable, Sendable {
    /// One strength of one corruption.
    public struct Level: Hashable, Sendable {
        public var strength: Double
        public var correct: Int

        public init(strength: Double, correct: Int) {
            self.strength = strength
            self.correct = correct
        }
    }

    /// One corruption at its strengths, ascending.
    public struct Curve: Hashable, Sendable {
        public var kind: CorruptionKind
        public var levels: [Level]

        public init(kind: CorruptionKind, levels: [Level]) {
            self.kind = kind
            self.levels = levels
        }
    }

    /// Images.
    public var count: Int
    /// Right among the images as they are.
    public var clean: Int
    public var curves: [Curve]

    public init(count: Int, clean: Int, curves: [Curve]) {
        self.count = count
        self.clean = clean
        self.curves = curves
    }

    /// The seed of all corruptions: one, so that models are compared on the same spoilt images.
    public static let seed: UInt64 = 0
}

extension Classifier {
    /// Classifies the images under every corruption at every strength. The same counts for every thread count.
    /// - Parameter progress: told which corruption is next.
    /// - Throws: `InputError` where images are larger than ``Augmenter`` takes, or there are none.
    public func robustness(
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
                // The Float's own decimal text, not its binary value: 0.1 and not 0.10000000149.
                curve.levels.append(.init(strength: Double("\(strength)") ?? Double(strength), correct: correct))
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
