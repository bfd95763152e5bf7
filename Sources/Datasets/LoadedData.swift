import Tensors

/// A data set ready for training. The test images are read only when ``loadTest()`` is called.
public struct LoadedData: Sendable {
    /// Where the images are from.
    public enum Source: String, Sendable {
        /// The whole data set, or the user's own files.
        case full
        /// The 5,000 images that ship with the package.
        case sample
    }

    /// What data of the user's own are called, that no configuration names.
    package static let ownKinds = ["pictures", "table"]

    /// Its name in configurations; `files` where they were named by path, `pictures` or `table` where they are the user's
    /// own.
    public var dataset: String
    /// Where the images are from.
    public var source: Source
    /// Where it was found.
    public var directory: String
    /// What to train on.
    public var train: ImageSet
    /// Kept from the training set; may be empty.
    public var validation: ImageSet
    /// The lines of text that are composed of the images; nil: the images themselves are read.
    package var lines: LineData?
    /// SHA-256 of the training files, unpacked, by file name.
    package var digests: [String: String]
    /// What the user should know of how it was found, such as that the sample stands in for the full set.
    public var notes: [String]
    /// Mean of the training split's pixels in [0, 1].
    package var mean: Double
    /// Standard deviation of the same.
    package var standardDeviation: Double

    /// The test half.
    public struct Test: Sendable {
        /// The test images.
        public var images: ImageSet
        /// SHA-256 of the test files, unpacked, by file name.
        package var digests: [String: String]
        /// What the user should know of how they were found.
        public var notes: [String]

        package init(images: ImageSet, digests: [String: String], notes: [String]) {
            self.images = images
            self.digests = digests
            self.notes = notes
        }
    }

    private let readTest: @Sendable () throws -> Test
    /// Of the test images' classes, where the user names them.
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

    /// Images that were in memory already; there is no test half.
    package init(train: ImageSet, validation: ImageSet) {
        self.init(
            dataset: "arrays", source: .full, directory: "memory", train: train, validation: validation, digests: [:],
            notes: []
        ) {
            throw InputError("arrays", expected: "a data set with a test half", received: "images in memory")
        }
    }

    /// Part `fold` of the training images as the test set; of the others `validationFraction` for validation, as of any training
    /// set. There must be no validation images.
    /// - Throws: an `InputError` where there are fewer images than parts.
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

    /// The same with these names of classes.
    /// - Throws: `InputError` where there are more or fewer than classes.
    func named(_ names: [String]) throws(InputError) -> LoadedData {
        var result = self
        result.train = try train.named(names)
        result.validation = try validation.named(names)
        result.testNames = names
        return result
    }

    /// Mean and standard deviation to standardise by, as `Float`; nil for ``Normalization/none``. Where all pixels
    /// are equal the deviation is 1.
    package func normalizationConstants(_ normalization: Normalization) -> (mean: Float, standardDeviation: Float)? {
        guard normalization == .standardize else { return nil }
        let deviation = Float(standardDeviation)
        return (Float(mean), deviation > 0 ? deviation : 1)
    }

    /// The same, standardised by these constants instead of its own.
    package func standardized(by constants: (mean: Float, standardDeviation: Float)) -> LoadedData {
        var result = self
        (result.mean, result.standardDeviation) = (Double(constants.mean), Double(constants.standardDeviation))
        return result
    }

    /// Reads the test images, and checks their digests and that they fit the training images.
    /// - Throws: `InputError` where a file is damaged, not as published, or of another size of image.
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
