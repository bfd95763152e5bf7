/// Data sets known by name.
public enum DatasetName: String, CaseIterable, Sendable {
    /// Handwritten digits, 60,000 and 10,000, 28×28.
    case mnist
    /// Clothes in ten classes, as many and as large as ``mnist``.
    case fashionMnist = "fashion-mnist"
    /// Cursive Japanese in ten classes, as many and as large as ``mnist``.
    case kmnist
    /// ``mnist`` with its test set reconstructed: 60,000 test digits.
    case qmnist
    /// Digits and letters in 47 classes of equal size.
    case emnistBalanced = "emnist-balanced"
    /// Digits and letters in 62 classes.
    case emnistByClass = "emnist-byclass"
    /// Digits and letters in 47 classes, letters that look alike in both cases being one.
    case emnistByMerge = "emnist-bymerge"
    /// 280,000 digits.
    case emnistDigits = "emnist-digits"
    /// Letters in 26 classes, both cases in one.
    case emnistLetters = "emnist-letters"
    /// Digits of EMNIST in the number and size of ``mnist``.
    case emnistMnist = "emnist-mnist"
}

/// IDX files named by path, plain or gzip.
public struct IDXFiles: Hashable, Sendable {
    /// The path of the training images.
    public var trainImages: String
    /// The path of their labels.
    public var trainLabels: String
    /// The path of the test images.
    public var testImages: String
    /// The path of their labels.
    public var testLabels: String

    /// The path of images to validate on; nil: a part of the training images.
    public var validationImages: String?
    /// The path of their labels.
    public var validationLabels: String?

    /// Whether rows and columns of the images are exchanged, as EMNIST's files have them.
    public var transposed: Bool

    /// Four files by path, or six.
    public init(
        trainImages: String, trainLabels: String, testImages: String, testLabels: String,
        validationImages: String? = nil, validationLabels: String? = nil, transposed: Bool = false
    ) {
        self.validationImages = validationImages
        self.validationLabels = validationLabels
        self.trainImages = trainImages
        self.trainLabels = trainLabels
        self.testImages = testImages
        self.testLabels = testLabels
        self.transposed = transposed
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
    /// Whether the full data set is asked for.
    public enum Source: String, CaseIterable, Sendable {
        /// The full set where it can be had, else the bundled sample, said loudly.
        case auto
        /// The full set, an error where it cannot be had.
        case full
        /// The 5,000 images that ship with the package (MNIST only).
        case sample
    }
    /// The data set, by name.
    public var dataset = DatasetName.mnist
    /// IDX files by path, instead of `dataset`.
    public var files: IDXFiles? = nil
    /// What brings the images that none of these names.
    public var provider: DataProvider? = nil
    /// Whether the full data set is asked for.
    public var source = Source.auto
    /// Where the data set is; elsewhere it is then not looked for. The folder of a data set by name, or data of one's own: a
    /// folder of pictures for each class (in train, val and test, or alone), a CSV file, or a folder of such.
    public var directory: String? = nil
    /// Names of the classes, from label 0 on, instead of those that the data say.
    public var classNames: [String]? = nil
    /// Of pictures of one's own: find each one's ink, crop, fit and centre it as MNIST's digits were.
    public var prepare = true
    /// Of a table: the label's column, by its name or its number from 1, where it cannot be told.
    public var labelColumn: String? = nil
    /// Of data of one's own without a test half: the part put aside as one, in [0, 1).
    public var testFraction = 0.1
    /// A model's classes, which folders and words in tables name; nil: they make up the classes.
    package var modelClasses: [String]? = nil
    /// Whether all data of one's own are the test half, where they have none.
    package var isAllTest = false
    /// What the network takes, where that is not as the data are.
    package var imageSize: Extent? = nil

    /// Lines of text composed of the data's pictures, each a character; nil: the pictures themselves.
    public var lines: LineOptions? = nil
    /// What the network takes of these lines.
    package var lineSize: Extent? = nil

    /// Pixels of an image.
    package struct Extent: Hashable, Sendable {
        package var height: Int
        package var width: Int

        package init(height: Int, width: Int) { (self.height, self.width) = (height, width) }
    }
    /// One part of the training images as the test set, for cross-validation; the data's own test set is then not used.
    public var fold: Fold? = nil

    /// One of several parts of equal size, each class in all of them alike.
    public struct Fold: Hashable, Sendable {
        /// How many parts, 2…100.
        public var of: Int
        /// Which one, from 1.
        public var number: Int

        /// Part `number` of so many.
        public init(_ number: Int, of count: Int) { (self.number, of) = (number, count) }
    }

    /// The part of the training set kept for validation, in [0, 1). The sample has its own fixed split.
    public var validationFraction = 0.1
    /// How pixels are brought to the network, after scaling to [0, 1].
    public var normalization = Normalization.none

    /// The full MNIST, or else the sample; a tenth for validation.
    public init() {}
}
