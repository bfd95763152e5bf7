import Tensors

/// All problems with the files of a conversion, each with its place, so that they can be fixed in one pass.
package struct ConversionProblems: Error, Sendable, CustomStringConvertible {
    /// The largest number of problems that are reported individually.
    static let mostTold = 20

    package private(set) var told: [InputError] = []
    /// The total number of problems.
    package private(set) var count = 0

    mutating func add(_ error: InputError) {
        count += 1
        if told.count < Self.mostTold { told.append(error) }
    }

    func check() throws {
        if count > 0 { throw self }
    }

    /// A line for each reported problem, and one for the rest.
    package var description: String {
        let rest = count > told.count ? ["… and \(count - told.count) more"] : []
        return (told.map(\.description) + rest).joined(separator: "\n")
    }
}

/// The parts of a data set that is not an IDX set of the catalogue.
package struct ConvertedData: Sendable {
    package var train: ImageSet
    package var validation: ImageSet?
    package var test: ImageSet?

    package init(train: ImageSet, validation: ImageSet? = nil, test: ImageSet? = nil) {
        (self.train, self.validation, self.test) = (train, validation, test)
    }

    /// The parts that exist, by the names of their folders and files.
    package var parts: [(name: String, set: ImageSet)] {
        [("train", train), ("val", validation), ("test", test)].compactMap { name, set in set.map { (name, $0) } }
    }

    /// The same images with light and dark swapped.
    package var inverted: ConvertedData {
        ConvertedData(train: train.inverted, validation: validation?.inverted, test: test?.inverted)
    }

    /// Returns the data with `fraction` of each class held out as the test half, if there is none; it is drawn as
    /// validation images are.
    package func withTest(fraction: Double, seed: UInt64 = 0) -> ConvertedData {
        guard test == nil, fraction > 0 else { return self }
        let parts = StratifiedSplit.indices(of: train.labels, fraction: fraction, seed: seed)
        guard !parts.validation.isEmpty else { return self }
        return ConvertedData(
            train: train.subset(parts.train), validation: validation, test: train.subset(parts.validation))
    }
}
