import Formats
import Tensors

extension DatasetLoader {
    /// Loads the lines of real writing at `path`, as ``LineFolder`` finds them; returns nil if there are none.
    static func loadLines(
        _ path: String, _ lines: LineOptions, _ options: DataOptions, seed: UInt64, progress: @escaping DatasetProgress
    ) throws -> LoadedData? {
        guard let folder = try LineFolder.find(path) else { return nil }
        var data = try LineData(lines, height: options.lineSize?.height ?? 32, width: options.lineSize?.width ?? 256)
        let classNames = options.classNames ?? options.modelClasses ?? folder.classNames
        try ImageSet.checkClasses(classNames, place: path)
        var notes: [String] = []
        func note(_ text: String) {
            notes.append(printable(text))
            progress(.note(printable(text)))
        }
        func read(_ entries: [LineFolder.Entry]) throws -> LineSet {
            guard !entries.isEmpty else { throw InputError(path, expected: "pictures of lines", received: "none") }
            return try LinePictures.read(
                entries, classNames: classNames, height: data.height, widths: data.widths, note: note,
                progress: { progress(.reading(done: $0, total: $1)) })
        }
        var train = try read(folder.train), test: LineSet
        if let entries = folder.test {
            try options.checkTestFraction(beside: path)
            test = try read(entries)
        } else if options.isAllTest {
            test = train
            note("\(path) has no test half: all \(train.count) lines are tested on")
        } else {
            let parts = StratifiedSplit.indices(of: train.lengths, fraction: options.testFraction, seed: seed)
            guard !parts.validation.isEmpty else {
                throw InputError(
                    path, expected: "a test half, or lines enough to put one aside", received: "\(train.count) lines",
                    remedy: "data.testFraction says how many")
            }
            note(
                "\(path) has no test half: \(parts.validation.count) of \(train.count) lines were put aside as one, of each "
                    + "length alike, by the seed (data.testFraction \(options.testFraction))")
            (test, train) = (train.subset(parts.validation), train.subset(parts.train))
        }
        let validation: LineSet
        if let entries = folder.validation {
            try options.checkValidationFraction(beside: path)
            validation = try read(entries)
        } else {
            let parts = StratifiedSplit.indices(of: train.lengths, fraction: options.validationFraction, seed: seed)
            validation = train.subset(parts.validation)
            if !parts.validation.isEmpty { train = train.subset(parts.train) }
        }
        data.stored = LineData.StoredSets(train: train, validation: validation, test: test)
        // There are no single characters.
        let none = try ImageSet(
            images: [], labels: [], height: 28, width: 28, classCount: classNames.count, classNames: classNames)
        let digests = try ["train": train, "validation": validation].mapValues { try $0.digest() }
        let testDigest = ["test lines": try test.digest()]
        var result = LoadedData(
            dataset: "pictures", source: .full, directory: path, train: none, validation: none,
            digests: Dictionary(uniqueKeysWithValues: digests.map { ("\($0.key) lines", $0.value) }), notes: notes
        ) { LoadedData.Test(images: none, digests: testDigest, notes: []) }
        result.lines = data
        return result
    }
}

extension LineSet {
    /// Returns the SHA-256 of all pixels and texts.
    fileprivate func digest() throws(OperationError) -> String {
        let digest = Digest()
        for bucket in buckets {
            digest.update(bucket.pixels)
            for text in bucket.texts { digest.update([UInt8(text.count)] + text) }
        }
        return try digest.hex()
    }
}
