import Foundation
import Formats
import Tensors

extension AugmentationOptions {
    /// How often and how strongly images are mixed. The probabilities of ``AugmentationOptions/mixup`` and
    /// ``AugmentationOptions/cutmix`` sum to at most 1: an image gets one or the other.
    public struct Mixing: Hashable, Sendable {
        /// The α of the share `λ ~ Beta(α, α)` that an image keeps, above 0 and at most 100; uniform for α = 1.
        public var alpha: Float
        /// The probability of mixing an image, 0...1.
        public var probability: Float

        /// Creates mixing of this strength and probability.
        public init(alpha: Float = 1, probability: Float = 1) {
            self.alpha = alpha
            self.probability = probability
        }
    }
}

extension AugmentationOptions.Mixing {
    /// - Parameter name: `mixup` or `cutmix`.
    /// - Throws: `InputError` naming the first option that is out of its range.
    func check(_ name: String) throws(InputError) {
        try AugmentationOptions.check(alpha, in: Float.leastNormalMagnitude...100, "\(name).alpha")
        try AugmentationOptions.check(probability, in: 0...1, "\(name).probability")
    }
}

extension Section where Root == AugmentationOptions.Mixing {
    static var mixing: Section {
        Section(
            initial: AugmentationOptions.Mixing(),
            fields: [
                .key("alpha", \.alpha, .number(.above(0, 100)), "α of the share ~ Beta(α, α) that an image keeps."),
                .key("probability", \.probability, .number(.closed(0, 1)), "How often an image is mixed so."),
            ])
    }
}

/// Mixes an augmented training image with another one by mixup or cutmix, as ``AugmentationOptions`` says.
///
/// All draws of an image are at the address (seed, mixing, epoch, sample): which of the two to apply, if any, the
/// partner (any image of the set, augmented as in this epoch), the share `λ ~ Beta(α, α)` and, for cutmix, the
/// rectangle's centre.
///
/// - mixup: `x = λ·x₁ + (1 − λ)·x₂`.
/// - cutmix: a rectangle of height `⌊H·√(1 − λ)⌋` and width `⌊W·√(1 − λ)⌋` about a uniform centre, clipped at the
///   border, is taken from `x₂`; λ becomes the share of pixels left from `x₁`.
///
/// The target is `λ` of the image's own class and `1 − λ` of the partner's.
///
/// Sources: H. Zhang et al., "mixup: beyond empirical risk minimization", 2017, arXiv:1710.09412; S. Yun et al.,
/// "CutMix: regularization strategy to train strong classifiers with localizable features", 2019, arXiv:1905.04899.
package struct Mixing: Sendable {
    /// How one image is mixed.
    package struct Draw: Hashable, Sendable {
        package var partner: Int
        /// The share λ of the image's own class.
        package var share: Float
        /// The rectangle of cutmix; nil for mixup.
        package var rows: Range<Int>?
        package var columns: Range<Int>?
    }

    private let mixup: AugmentationOptions.Mixing?
    private let cutmix: AugmentationOptions.Mixing?
    private let height, width, channels, count: Int
    private let seed: UInt64

    /// - Parameter count: The number of images in the set.
    /// - Returns: nil if the options mix nothing.
    package init?(_ options: AugmentationOptions, height: Int, width: Int, channels: Int, count: Int, seed: UInt64) {
        guard options.mixup != nil || options.cutmix != nil else { return nil }
        mixup = options.mixup
        cutmix = options.cutmix
        self.height = height
        self.width = width
        self.channels = channels
        self.count = count
        self.seed = seed
    }

    /// Returns how image `sampleIndex` is mixed in `epoch`; nil if it is not.
    package func draw(epoch: Int, sampleIndex: Int) -> Draw? {
        var stream = RandomStream(
            RandomAddress(seed: seed, purpose: .mixing, major: UInt32(epoch), minor: UInt32(sampleIndex)))
        let choice = stream.uniform(), partner = stream.integer(below: count)
        let first = mixup?.probability ?? 0
        if let mixup, choice < first {
            return Draw(partner: partner, share: Float(Self.share(mixup.alpha, &stream)))
        }
        guard let cutmix, choice < first + cutmix.probability else { return nil }
        let side = (1 - Self.share(cutmix.alpha, &stream)).squareRoot()
        let rows = Int(Double(height) * side), columns = Int(Double(width) * side)
        let top = stream.integer(below: height) - rows / 2, left = stream.integer(below: width) - columns / 2
        let (y, x) = (
            max(top, 0)..<max(min(top + rows, height), max(top, 0)),
            max(left, 0)..<max(min(left + columns, width), max(left, 0))
        )
        return Draw(
            partner: partner, share: 1 - Float(y.count * x.count) / Float(height * width), rows: y, columns: x)
    }

    /// Mixes `partner[H, W, C]` into `image[H, W, C]`.
    package func apply(_ draw: Draw, _ partner: Span<Float>, into image: inout MutableSpan<Float>) {
        guard let rows = draw.rows, let columns = draw.columns else {
            for i in 0..<image.count { image[i] = draw.share * image[i] + (1 - draw.share) * partner[i] }
            return
        }
        for y in rows {
            let first = (y * width + columns.lowerBound) * channels
            for i in first..<(first + columns.count * channels) { image[i] = partner[i] }
        }
    }

    /// Draws `λ ~ Beta(α, α)` as `G₁/(G₁ + G₂)` of two gamma variates, from their logarithms: for small α the variates
    /// themselves would underflow.
    static func share(_ alpha: Float, _ stream: inout RandomStream) -> Double {
        let first = logGamma(Double(alpha), &stream), second = logGamma(Double(alpha), &stream)
        return 1 / (1 + exp(second - first))
    }

    /// Draws the logarithm of a gamma variate of this shape (G. Marsaglia, W. W. Tsang, "A simple method for generating
    /// gamma variables", ACM TOMS 26, 2000); for a shape below 1, that of shape + 1 times `U^(1/shape)`.
    private static func logGamma(_ shape: Double, _ stream: inout RandomStream) -> Double {
        func uniform() -> Double { (Double(stream.nextWord()) + 0.5) * 0x1p-32 }
        let boost = shape < 1 ? log(uniform()) / shape : 0
        let d = (shape < 1 ? shape + 1 : shape) - 1 / 3.0, c = 1 / (9 * d).squareRoot()
        while true {
            let x = stream.normalPair().0, root = 1 + c * x
            guard root > 0 else { continue }
            let v = root * root * root
            if log(uniform()) < x * x / 2 + d - d * v + d * log(v) { return log(d * v) + boost }
        }
    }
}
