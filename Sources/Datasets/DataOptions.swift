import Tensors

/// Data sets known by name.
public enum DatasetName: String, CaseIterable, Sendable {
    /// Handwritten digits: 60,000 training and 10,000 test images of 28×28 pixels.
    case mnist
    /// Articles of clothing in ten classes, with the counts and image size of ``mnist``.
    case fashionMnist = "fashion-mnist"
    /// Cursive Japanese characters in ten classes, with the counts and image size of ``mnist``.
    case kmnist
    /// ``mnist`` with its test set reconstructed: 60,000 test digits.
    case qmnist
    /// Digits and letters in 47 classes of equal size.
    case emnistBalanced = "emnist-balanced"
    /// Digits and letters in 62 classes.
    case emnistByClass = "emnist-byclass"
    /// Digits and letters in 47 classes; letters whose two cases look alike share one.
    case emnistByMerge = "emnist-bymerge"
    /// 280,000 digits.
    case emnistDigits = "emnist-digits"
    /// Letters in 26 classes, upper and lower case merged.
    case emnistLetters = "emnist-letters"
    /// Digits of EMNIST, with the counts and image size of ``mnist``.
    case emnistMnist = "emnist-mnist"
}

/// IDX files given by path, plain or gzip-compressed.
public struct IDXFiles: Hashable, Sendable {
    /// The path of the training images.
    public var trainImages: String
    /// The path of the training labels.
    public var trainLabels: String
    /// The path of the test images.
    public var testImages: String
    /// The path of the test labels.
    public var testLabels: String

    /// The path of the validation images; nil holds out a part of the training images.
    public var validationImages: String?
    /// The path of the validation labels.
    public var validationLabels: String?

    /// Whether rows and columns of the images are swapped, as in EMNIST's files.
    public var transposed: Bool

    /// Creates a set of four files, or of six with validation.
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

/// How pixels are normalised, after scaling to [0, 1].
public enum Normalization: String, CaseIterable, Sendable {
    /// Leaves pixels in [0, 1].
    case none
    /// `(x − μ) / σ` with the mean and standard deviation of the training split.
    case standardize
}

/// The options of the configuration section `data`.
public struct DataOptions: Hashable, Sendable {
    /// Which version of a data set to use.
    public enum Source: String, CaseIterable, Sendable {
        /// The full set if it can be obtained, else the bundled sample with a prominent note.
        case auto
        /// The full set; an error if it cannot be obtained.
        case full
        /// The 5,000 images that ship with the package (MNIST only).
        case sample
    }
    /// The data set, by name.
    public var dataset = DatasetName.mnist
    /// IDX files by path, used instead of `dataset`.
    public var files: IDXFiles? = nil
    /// The provider of images that no other key names.
    public var provider: DataProvider? = nil
    /// Which version of the data set to use.
    public var source = Source.auto
    /// The only place to look for the data: the folder of a data set by name, or the user's own data, which is a folder
    /// of pictures for each class (in train, val and test, or alone), a CSV file, or a folder of CSV files.
    public var directory: String? = nil
    /// The names of the classes, from label 0 on, overriding those in the data.
    public var classNames: [String]? = nil
    /// Whether to find, crop, scale and centre the ink of the user's own pictures as in MNIST's digits.
    public var prepare = true
    /// The label column of a table, by its name or its number from 1, for tables where it cannot be inferred.
    public var labelColumn: String? = nil
    /// Whether an image may have several labels, or none: words separated by `|` in a table's label column.
    public var multiLabel = false
    /// The column of a table with the factor on each image's loss, by its name or its number from 1; nil if all are 1.
    public var weightColumn: String? = nil
    /// Whether the column of weights may be missing, as in tables to evaluate on.
    package var weightsAreOptional = false
    /// The share of the user's own data that is held out for testing if they have no test half, in [0, 1).
    public var testFraction = 0.1
    /// A model's classes, which folders and words in tables must name; nil if the data define the classes.
    package var modelClasses: [String]? = nil
    /// Whether all of the user's own data are tested on if they have no test half.
    package var isAllTest = false
    /// Whether nothing is held out; a data set without a test half has an empty one.
    var isWhole = false

    /// Uses the data at `path`, not a provider's.
    package mutating func take(from path: String) { (directory, provider) = (path, nil) }

    /// Uses the data at `path` instead of any that a model was trained on.
    package mutating func replace(with path: String) {
        take(from: path)
        (files, fold) = (nil, nil)
        if source == .sample { source = .auto }
    }
    /// The network's input size, if it differs from that of the data.
    package var imageSize: Extent? = nil
    /// The network's input channels, if they are known.
    package var imageChannels: Int? = nil

    /// Lines of text composed from the data's pictures, each a single character; nil for the pictures themselves.
    public var lines: LineOptions? = nil
    /// The network's input size for these lines.
    package var lineSize: Extent? = nil

    /// The size of an image, in pixels.
    package struct Extent: Hashable, Sendable {
        package var height: Int
        package var width: Int

        package init(height: Int, width: Int) { (self.height, self.width) = (height, width) }
    }
    /// The part of the training images used as the test set, for cross-validation; the data's own test set is then
    /// unused.
    public var fold: Fold? = nil

    /// One of several parts of equal size, stratified by class.
    public struct Fold: Hashable, Sendable {
        /// The number of parts, 2…100.
        public var of: Int
        /// The number of this part, from 1.
        public var number: Int

        /// Creates part `number` of `count`.
        public init(_ number: Int, of count: Int) { (self.number, of) = (number, count) }
    }

    /// The share of the training set held out for validation, in [0, 1). By default the sample has its own fixed split.
    public var validationFraction = 0.1
    /// How pixels are normalised, after scaling to [0, 1].
    public var normalization = Normalization.none

    /// Creates the default options: the full MNIST or else the sample, with a tenth held out for validation.
    public init() {}
}

extension DataOptions {
    /// Refuses a share of the user's choice for the test half if the data have that half. Options of a trained model may
    /// say more than other data need.
    func checkTestFraction(beside data: String) throws(InputError) {
        guard !isWhole, modelClasses == nil, testFraction != DataOptions().testFraction else { return }
        throw InputError(
            "data.testFraction", expected: "data without a test half", received: "\(testFraction) for \(data)",
            remedy: "leave it out: the data say which images to test on")
    }

    /// Refuses a share of the user's choice for validation if the data have validation images; 0 takes none of the
    /// training images away, as there.
    func checkValidationFraction(beside data: String) throws(InputError) {
        guard !isWhole, modelClasses == nil, ![0, DataOptions().validationFraction].contains(validationFraction)
        else { return }
        throw InputError(
            "data.validationFraction", expected: "data without validation images",
            received: "\(validationFraction) for \(data)",
            remedy: "leave it out: the data say which images to validate on")
    }
}
