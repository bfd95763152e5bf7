import Tensors

/// A data set ready for training. The test images are read only when ``loadTest()`` is called.
public struct LoadedData: Sendable {
    /// Where the images come from.
    public enum Source: String, Sendable {
        /// The whole data set, or the user's own files.
        case full
        /// The 5,000 images that ship with the package.
        case sample
    }

    /// The names of the user's own data, which no configuration names.
    package static let ownKinds = ["pictures", "table"]

    /// The name in configurations; `files` for files named by path, `pictures` or `table` for the user's own data.
    public var dataset: String
    /// Where the images come from.
    public var source: Source
    /// Where the data set was found.
    public var directory: String
    /// The training images.
    public var train: ImageSet
    /// The validation images, held out from the training set; may be empty.
    public var validation: ImageSet
    /// The lines of text composed from the images; nil if the network reads the images themselves.
    package var lines: LineData?
    /// The SHA-256 digests of the decompressed training files, by file name.
    package var digests: [String: String]
    /// What the user should know about how the data were found, such as that the sample replaces the full set.
    public var notes: [String]
    /// The mean of the training split's pixels in [0, 1].
    package var mean: Double
    /// The standard deviation of the training split's pixels in [0, 1].
    package var standardDeviation: Double

    /// The test half of a data set.
    public struct Test: Sendable {
        /// The test images.
        public var images: ImageSet
        /// The SHA-256 digests of the decompressed test files, by file name.
        package var digests: [String: String]
        /// What the user should know about how the test images were found.
        public var notes: [String]

        package init(images: ImageSet, digests: [String: String], notes: [String]) {
            self.images = images
            self.digests = digests
            self.notes = notes
        }
    }

    private let readTest: @Sendable () throws -> Test
    /// The class names of the test images, if the user gives them.
    private var testNames: [String]?

    init(
        dataset: String, source: Source, directory: String, train: ImageSet, validation: ImageSet,
        digests: [String: String], notes: [String], readTest: @escaping @Sendable () throws -> Test
    ) {
        self.dataset = dataset
        self.source = source
        self.directory = directory
        self.train = train
        self.validation = validation
        self.digests = digests
        self.notes = notes
        (mean, standardDeviation) = train.pixelMoments
        self.readTest = readTest
    }

    /// Creates data without a test half from images that are already in memory.
    package init(train: ImageSet, validation: ImageSet) {
        self.init(
            dataset: "arrays", source: .full, directory: "memory", train: train, validation: validation, digests: [:],
            notes: []
        ) {
            throw InputError("arrays", expected: "a data set with a test half", received: "images in memory")
        }
    }

    /// Returns part `fold` of the training images as the test set and the others as the training set, from which
    /// `validationFraction` is held out for validation as usual. There must be no validation images.
    /// - Throws: an `InputError` if there are fewer images than parts, or the part's number is out of range.
    package func fold(_ fold: DataOptions.Fold, validationFraction: Double, seed: UInt64) throws(InputError)
        -> LoadedData
    {
        precondition(validation.count == 0, "folds are cut from all training images")
        guard train.count >= fold.of, (1...fold.of).contains(fold.number) else {
            throw InputError(
                "data.fold", expected: "a number from 1 to 'of', and at least as many images as parts",
                received: "part \(fold.number) of \(fold.of), \(train.count) images")
        }
        let test = StratifiedSplit.folds(of: train.labels, count: fold.of, seed: seed)[fold.number - 1]
        var isTest = [Bool](repeating: false, count: train.count)
        for index in test { isTest[index] = true }
        let rest = train.subset(train.labels.indices.filter { !isTest[$0] })
        let parts = StratifiedSplit.indices(of: rest.labels, fraction: validationFraction, seed: seed)
        let images = train.subset(test), digests = digests
        return LoadedData(
            dataset: dataset, source: source, directory: directory,
            train: parts.validation.isEmpty ? rest : rest.subset(parts.train),
            validation: rest.subset(parts.validation),
            digests: digests,
            notes: notes + ["the test set is part \(fold.number) of \(fold.of) of the training images"]
        ) { Test(images: images, digests: digests, notes: []) }
    }

    /// Returns the same data with these class names.
    /// - Throws: `InputError` if there are more or fewer names than classes.
    func named(_ names: [String]) throws(InputError) -> LoadedData {
        var result = self
        result.train = try train.named(names)
        result.validation = try validation.named(names)
        result.testNames = names
        return result
    }

    /// Returns the mean and standard deviation to standardise by, as `Float`; nil for ``Normalization/none``. If all
    /// pixels are equal, the deviation is 1.
    package func normalizationConstants(_ normalization: Normalization) -> (mean: Float, standardDeviation: Float)? {
        guard normalization == .standardize else { return nil }
        let deviation = Float(standardDeviation)
        return (Float(mean), deviation > 0 ? deviation : 1)
    }

    /// Returns the same data, standardised by these constants instead of its own.
    package func standardized(by constants: (mean: Float, standardDeviation: Float)) -> LoadedData {
        var result = self
        (result.mean, result.standardDeviation) = (Double(constants.mean), Double(constants.standardDeviation))
        return result
    }

    /// Reads the test images, and checks their digests and that they match the training images.
    /// - Throws: `InputError` if a file is damaged, not as published, or of another image size.
    public func loadTest() throws -> Test {
        var test = try readTest()
        if let testNames { test.images = try test.images.named(testNames) }
        let (a, b) = (train, test.images)
        guard (a.height, a.width, a.channels) == (b.height, b.width, b.channels) else {
            throw InputError(
                "test images of \(dataset)", expected: "\(a.height)×\(a.width)×\(a.channels), as for training",
                received: "\(b.height)×\(b.width)×\(b.channels)")
        }
        return test
    }
}
