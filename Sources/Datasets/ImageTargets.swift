import Formats
import Tensors

/// What a set knows of its images' targets beside one class each.
struct ImageTargets: Sendable {
    /// For images with several labels: the classes of each image, class k as bit k. ``ImageSet/labels`` then has the
    /// lowest of them, or 0.
    var labelSets: [UInt64]?
    /// The factor on each image's loss.
    var weights: [Float]?

    static let none = ImageTargets()

    func subset(_ indices: [Int]) -> ImageTargets {
        ImageTargets(
            labelSets: labelSets.map { sets in indices.map { sets[$0] } },
            weights: weights.map { weights in indices.map { weights[$0] } })
    }

    func joined(with other: ImageTargets) -> ImageTargets {
        ImageTargets(
            labelSets: labelSets.flatMap { a in other.labelSets.map { a + $0 } },
            weights: weights.flatMap { a in other.weights.map { a + $0 } })
    }
}

extension ImageSet {
    /// Returns the SHA-256 of what a network learns beside images and labels, as little-endian words, under the names
    /// `half label sets` and `half weights`; only of what there is.
    func targetDigests(_ half: String) throws(OperationError) -> [String: String] {
        var digests: [String: String] = [:]
        if let labelSets {
            digests["\(half) label sets"] = try Digest.hex(labelSets.flatMap { LittleEndian.bytes(of: $0) })
        }
        if let weights { digests["\(half) weights"] = try Digest.hex(LittleEndian.bytes(weights)) }
        return digests
    }

    /// The largest number of classes of images with several labels.
    public static let mostLabels = 64

    /// Whether an image may have several labels, or none.
    public var isMultiLabel: Bool { targets.labelSets != nil }

    /// For images with several labels, the classes of each, `[count]`, class k as bit k; nil if each has one.
    package var labelSets: [UInt64]? { targets.labelSets }

    /// The factor on the loss of each image, `[count]`; nil if all are 1.
    package var weights: [Float]? { targets.weights }

    /// Creates a set of byte images with any number of labels each, for the loss `binaryCrossEntropy`.
    ///
    /// - Parameters:
    ///   - pixels: `[N, H, W, C]` in row-major order. A network sees a byte b as b / 255.
    ///   - labelSets: `[N]`, each the indices of an image's classes, in any order; may be empty.
    ///   - height: H ≥ 1.
    ///   - width: W ≥ 1.
    ///   - channels: C ≥ 1.
    ///   - classNames: K = 2…64 distinct names.
    /// - Throws: an ``InputError`` at `pixels` if they are not N images, at `labelSets[i]` if one of an image's classes
    ///   does not exist, at `classNames` if there are more than 64.
    public init(
        pixels: [UInt8], labelSets: [[Int]], height: Int, width: Int, channels: Int = 1, classNames: [String]
    ) throws(InputError) {
        guard classNames.count <= Self.mostLabels else {
            throw InputError(
                "classNames", expected: "at most \(Self.mostLabels) of several labels", received: "\(classNames.count)")
        }
        for (index, set) in labelSets.enumerated() {
            if let label = set.first(where: { !classNames.indices.contains($0) }) {
                throw InputError(
                    "labelSets[\(index)]", expected: "classes in 0…\(classNames.count - 1)", received: "\(label)")
            }
        }
        let set = try ImageSet(
            pixels: pixels, labels: labelSets.map { $0.min() ?? 0 }, height: height, width: width, channels: channels,
            classNames: classNames)
        self = set.multiLabel(labelSets.map { $0.reduce(0) { $0 | 1 << UInt64($1) } })
    }

    /// Returns the same images with a factor on the loss of each, in training and validation; the mean loss is taken
    /// over images, not over weights.
    ///
    /// - Parameter weights: `[N]`, each finite and at least 0.
    /// - Throws: an ``InputError`` at `weights` if there are not N, at `weights[i]` if one is negative or not finite.
    public func weighted(_ weights: [Float]) throws(InputError) -> ImageSet {
        guard weights.count == count else {
            throw InputError("weights", expected: "\(count), one for each image", received: "\(weights.count)")
        }
        if let index = weights.firstIndex(where: { !($0 >= 0 && $0.isFinite) }) {
            throw InputError("weights[\(index)]", expected: "a finite number ≥ 0", received: "\(weights[index])")
        }
        var targets = targets
        targets.weights = weights
        return ImageSet(self, storage: storage, numbers: numbers, labels: labels, targets: targets)
    }

    /// Returns the same images with several labels each, `[count]`, as bits below ``classCount``.
    package func multiLabel(_ sets: [UInt64]) -> ImageSet {
        precondition(
            sets.count == count && classCount <= Self.mostLabels
                && sets.allSatisfy { classCount == 64 || $0 >> UInt64(classCount) == 0 },
            "ImageSet: classes for each image")
        var targets = targets
        targets.labelSets = sets
        let lowest = sets.map { $0 == 0 ? 0 : UInt8($0.trailingZeroBitCount) }
        return ImageSet(self, storage: storage, numbers: numbers, labels: lowest, targets: targets)
    }
}
