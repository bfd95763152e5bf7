/// Data sets known by name.
public enum DatasetName: String, CaseIterable, Sendable {
    case mnist
    case fashionMnist = "fashion-mnist"
    case kmnist
    case qmnist
    case emnistBalanced = "emnist-balanced"
    case emnistByClass = "emnist-byclass"
    case emnistByMerge = "emnist-bymerge"
    case emnistDigits = "emnist-digits"
    case emnistLetters = "emnist-letters"
    case emnistMnist = "emnist-mnist"
}

/// IDX files named by path, plain or gzip.
public struct IDXFiles: Hashable, Sendable {
    public var trainImages: String
    public var trainLabels: String
    public var testImages: String
    public var testLabels: String

    public init(trainImages: String, trainLabels: String, testImages: String, testLabels: String) {
        self.trainImages = trainImages
        self.trainLabels = trainLabels
        self.testImages = testImages
        self.testLabels = testLabels
    }
}

/// How pixels are brought to the network, after scaling to [0, 1].
public enum Normalization: String, CaseIterable, Sendable {
    /// Left in [0, 1].
    case none
    /// `(x − μ) / σ` with the mean and standard deviation of the training split.
    case standardize
}

/// Everything that the section `data` of a configuration says.
public struct DataOptions: Hashable, Sendable {
    public enum Source: String, CaseIterable, Sendable {
        /// The full set where it can be had, else the bundled sample, said loudly.
        case auto
        /// The full set, an error where it cannot be had.
        case full
        /// The 5,000 images that ship with the package (MNIST only).
        case sample
    }
    public var dataset = DatasetName.mnist
    /// IDX files by path, instead of `dataset`.
    public var files: IDXFiles? = nil
    public var source = Source.auto
    /// Where to look first.
    public var directory: String? = nil
    /// The part of the training set kept for validation, in [0, 1). The sample has its own fixed split.
    public var validationFraction = 0.1
    public var normalization = Normalization.none

    public init() {}
}

/// Everything that the section `augmentation` of a configuration says. Zero everywhere: no augmentation.
///
/// One affine warp per image about its centre (bilinear, zero outside), then elastic distortion, then erasing;
/// drawn afresh each epoch at the address (seed, augmentation, epoch, sample).
public struct AugmentationOptions: Hashable, Sendable {
    /// Largest rotation either way, degrees, 0...180.
    public var rotation: Float = 0
    /// Scale factors, drawn uniformly from low...high, 0.1...10.
    public var scale: ClosedRange<Float> = 1...1
    /// Largest shear either way: `x += s·y`, |s| ≤ 2.
    public var shear: Float = 0
    /// Largest shift either way, pixels, each axis.
    public var translation: Float = 0
    public var elastic: Elastic? = nil
    public var erasing: Erasing? = nil
    /// Blending with another image and its label (Zhang et al. 2017, arXiv:1710.09412).
    public var mixup: Mixing? = nil
    /// A rectangle of another image, and its share of the label (Yun et al. 2019, arXiv:1905.04899).
    public var cutmix: Mixing? = nil

    /// How often and how much images are mixed. The probabilities of ``AugmentationOptions/mixup`` and
    /// ``AugmentationOptions/cutmix`` together are at most 1: an image has one or the other.
    public struct Mixing: Hashable, Sendable {
        /// α of the share `λ ~ Beta(α, α)` that an image keeps, above 0, at most 100; 1: uniform.
        public var alpha: Float
        /// How often, 0...1.
        public var probability: Float

        public init(alpha: Float = 1, probability: Float = 1) {
            self.alpha = alpha
            self.probability = probability
        }
    }

    /// Random displacement fields smoothed by a Gaussian (Simard, Steinkraus, Platt 2003).
    public struct Elastic: Hashable, Sendable {
        /// Strength: the field, uniform in ±1 and then smoothed, is multiplied by this, pixels.
        public var alpha: Float
        /// Standard deviation of the Gaussian, pixels.
        public var sigma: Float
        /// How often it is applied, 0...1.
        public var probability: Float

        public init(alpha: Float = 34, sigma: Float = 4, probability: Float = 1) {
            self.alpha = alpha
            self.sigma = sigma
            self.probability = probability
        }
    }

    /// A rectangle set to zero (Zhong et al. 2017, arXiv:1708.04896).
    public struct Erasing: Hashable, Sendable {
        /// How often, 0...1.
        public var probability: Float
        /// Of the image's area, low...high within 0...1.
        public var area: ClosedRange<Float>
        /// Height over width, low...high.
        public var aspectRatio: ClosedRange<Float>

        public init(
            probability: Float = 0.5, area: ClosedRange<Float> = 0.02...0.2,
            aspectRatio: ClosedRange<Float> = 0.3...3.3
        ) {
            self.probability = probability
            self.area = area
            self.aspectRatio = aspectRatio
        }
    }

    public init() {}

    /// Whether any of it changes an image.
    public var isIdentity: Bool { self == AugmentationOptions() }
}
