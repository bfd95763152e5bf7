import Tensors

/// Everything wrong with the files of a conversion: each with its place, so that one look mends all of it.
package struct ConversionProblems: Error, Sendable, CustomStringConvertible {
    /// Of these many, at most, each is told.
    static let mostTold = 20

    package private(set) var told: [InputError] = []
    /// How many there were in all.
    package private(set) var count = 0

    mutating func add(_ error: InputError) {
        count += 1
        if told.count < Self.mostTold { told.append(error) }
    }

    func check() throws {
        if count > 0 { throw self }
    }

    /// A line for each, and one for those not told.
    package var description: String {
        let rest = count > told.count ? ["… and \(count - told.count) more"] : []
        return (told.map(\.description) + rest).joined(separator: "\n")
    }
}

/// The parts of a data set that is no IDX set of the catalogue.
package struct ConvertedData: Sendable {
    package var train: ImageSet
    package var validation: ImageSet?
    package var test: ImageSet?

    package init(train: ImageSet, validation: ImageSet? = nil, test: ImageSet? = nil) {
        (self.train, self.validation, self.test) = (train, validation, test)
    }

    /// Those that are there, by the names of their folders and files.
    package var parts: [(name: String, set: ImageSet)] {
        [("train", train), ("val", validation), ("test", test)].compactMap { name, set in set.map { (name, $0) } }
    }

    /// Puts a part of each class aside as the test half, where there is none: drawn as validation images are.
    package func withTest(fraction: Double, seed: UInt64 = 0) -> ConvertedData {
        guard test == nil, fraction > 0 else { return self }
        let parts = StratifiedSplit.indices(of: train.labels, fraction: fraction, seed: seed)
        guard !parts.validation.isEmpty else { return self }
        return ConvertedData(
            train: train.subset(parts.train), validation: validation, test: train.subset(parts.validation))
    }
}
