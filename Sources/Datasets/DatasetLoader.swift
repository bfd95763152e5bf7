import Formats
import Foundation
import Tensors

/// Finds, fetches, reads and splits data sets.
package enum DatasetLoader {
    /// Loads the data that `options` name: a provider's images, IDX files by path, the sample, pictures or tables at
    /// `options.directory`, or a data set by name. The last is taken from `options.directory` or the folder that
    /// `NUMERAL_DATA` names if either is given, else looked for in `locations`, else downloaded into the cache.
    /// - Parameters:
    ///   - seed: The seed of the split into training and validation.
    ///   - progress: Called with notes and with the bytes received.
    /// - Throws: `InputError` if options are impossible, or a file is missing, damaged or not as published;
    ///   `OperationError` if the data set can be neither found nor fetched and no sample may replace it.
    package static func load(
        _ options: DataOptions, seed: UInt64, locations: DatasetLocations = DatasetLocations(),
        progress: @escaping DatasetProgress = { _ in }
    ) throws -> LoadedData {
        let data = try loadParts(options, seed: seed, locations: locations, progress: progress)
        if options.multiLabel != data.train.isMultiLabel {
            throw InputError(
                "data.multiLabel",
                expected: options.multiLabel ? tableOrProvider : "true for \(data.dataset), which has several labels",
                received: options.multiLabel ? data.dataset : "false")
        }
        guard data.validation.count == 0 || data.validation.hasSize(of: data.train) else {
            throw InputError(
                "validation images", expected: "\(data.train.sizeText), as those to train on",
                received: data.validation.sizeText)
        }
        if options.weightColumn != nil, !options.weightsAreOptional, data.train.weights == nil {
            throw InputError("data.weightColumn", expected: tableOrProvider, received: data.dataset)
        }
        if let column = options.labelColumn, options.modelClasses == nil, data.dataset != "table" {
            throw InputError(
                "data.labelColumn", expected: "a table (data.directory), which has columns",
                received: "\(column) for \(data.dataset)", remedy: "leave it out")
        }
        return data
    }

    private static let tableOrProvider = "a table (data.directory) or a provider, which can have them"

    private static func loadParts(
        _ options: DataOptions, seed: UInt64, locations: DatasetLocations, progress: @escaping DatasetProgress
    ) throws -> LoadedData {
        guard let fold = options.fold else {
            if let lines = options.lines, let directory = options.directory,
                let data = try loadLines(directory, lines, options, seed: seed, progress: progress)
            {
                return data
            }
            var data = try loadAsNamed(options, seed: seed, locations: locations, progress: progress)
            data.lines = try options.lines.map { lines in
                try LineData(lines, height: options.lineSize?.height ?? 32, width: options.lineSize?.width ?? 256)
            }
            return try options.classNames.map { try data.named($0) } ?? data
        }
        let whole = try loadWhole(options, seed: seed, locations: locations, progress: progress)
        return try whole.fold(fold, validationFraction: options.validationFraction, seed: seed)
    }

    /// Loads all training images, none held out, for ``LoadedData/fold(_:validationFraction:seed:)`` to cut into parts.
    package static func loadWhole(
        _ options: DataOptions, seed: UInt64, locations: DatasetLocations = DatasetLocations(),
        progress: @escaping DatasetProgress = { _ in }
    ) throws -> LoadedData {
        guard options.lines == nil else {
            throw InputError(
                "data.fold", expected: "nothing beside data.lines, which composes its sets anew", received: "a part",
                remedy: "leave out one of the two (--folds is data.fold)")
        }
        var whole = options
        (whole.fold, whole.validationFraction, whole.isWhole) = (nil, 0, true)
        var data = try load(whole, seed: seed, locations: locations, progress: progress)
        if data.validation.count > 0 {
            data.train = data.train.joined(with: data.validation)
            data.validation = data.validation.subset([])
        }
        return data
    }

    private static func loadAsNamed(
        _ options: DataOptions, seed: UInt64, locations: DatasetLocations, progress: @escaping DatasetProgress
    ) throws -> LoadedData {
        guard options.validationFraction >= 0, options.validationFraction < 1 else {
            throw InputError(
                "data.validationFraction", expected: "a number in [0, 1)", received: "\(options.validationFraction)")
        }
        if let provider = options.provider {
            try options.checkTestFraction(beside: provider.type)
            return try load(provider, options, seed: seed)
        }
        if let files = options.files {
            guard options.source != .sample else {
                throw InputError(
                    "data.source", expected: "auto or full beside data.files", received: "sample",
                    remedy: "leave out one of the two")
            }
            guard options.directory == nil else {
                throw InputError(
                    "data.directory", expected: "nothing beside data.files, which names every file",
                    received: options.directory ?? "", remedy: "leave out one of the two (--data is data.directory)")
            }
            try options.checkTestFraction(beside: "data.files")
            return try load(files, options, seed: seed, progress)
        }
        if options.source == .sample {
            guard options.dataset == .mnist else {
                throw InputError(
                    "data.source", expected: "auto or full for \(options.dataset.rawValue)", received: "sample",
                    remedy: "only mnist has a bundled sample")
            }
            guard options.directory == nil else {
                throw InputError(
                    "data.source", expected: "auto or full beside data.directory (--data)", received: "sample",
                    remedy: "leave out one of the two: the sample is the package's own")
            }
            try options.checkTestFraction(beside: "the sample")
            return try sample(options, seed: seed, notes: [])
        }
        if let directory = options.directory {
            let record = locations.record(options.dataset)
            let named = NamedFolder(path: directory, place: "data.directory", record: record)
            let own = try OwnData.find(directory)
            // A folder may hold pictures beside the files of the named data set.
            if let own,
                try [.idx, .shards].contains(own.kind) || !DatasetFileNames.isFolder(directory) || named.find() == nil
            {
                return try own.load(options, seed: seed, locations: locations, progress: progress)
            }
        }
        return try loadNamed(options, seed: seed, locations, progress)
    }

    private static func loadNamed(
        _ options: DataOptions, seed: UInt64, _ locations: DatasetLocations, _ progress: @escaping DatasetProgress
    ) throws -> LoadedData {
        let record = locations.record(options.dataset)
        try options.checkTestFraction(beside: record.name)
        let found: FoundDataset
        var notes: [String]
        do {
            (found, notes) = try findOrFetch(record, directory: options.directory, locations, progress)
        } catch let error as OperationError where options.source == .auto && options.dataset == .mnist {
            let note = "the full MNIST could not be had (\(error)); the bundled sample of 5,000 images is used instead"
            progress(.note(note))
            return try sample(options, seed: seed, notes: [note])
        }
        let reader = DatasetReader(record: record)
        let half = try reader.half(of: found, images: .trainImages, labels: .trainLabels)
        for note in half.notes { progress(.note(note)) }
        notes += half.notes
        return split(
            half, options, seed: seed, dataset: record.name, directory: found.directory, notes: notes
        ) {
            let test = try reader.half(of: found, images: .testImages, labels: .testLabels)
            return LoadedData.Test(images: test.set, digests: test.digests, notes: test.notes)
        }
    }

    /// Returns the files of `record`, fetched if they are nowhere, and the notes on the way, already reported to
    /// `progress`.
    static func findOrFetch(
        _ record: DatasetRecord, directory: String?, _ locations: DatasetLocations,
        _ progress: @escaping DatasetProgress
    ) throws -> (FoundDataset, notes: [String]) {
        let finder = DatasetFinder(record: record, locations: locations)
        let result = try finder.search(directory: directory)
        for note in result.notes { progress(.note(note)) }
        if let found = result.found { return (found, result.notes) }
        guard locations.allowsDownload else {
            throw OperationError(
                record.name, problem: "not found in \(result.searched.joined(separator: ", "))",
                remedy: "trainer datasets fetch \(record.name)")
        }
        return (try fetch(record, finder, locations, progress), result.notes)
    }

    /// Downloads the files of `record` that the cache lacks.
    static func fetch(
        _ record: DatasetRecord, _ finder: DatasetFinder, _ locations: DatasetLocations,
        _ progress: @escaping DatasetProgress
    ) throws -> FoundDataset {
        let downloader = Downloader(locations.download, progress: progress)
        if let archive = record.archive {
            try downloader.fetch(archive, mirrors: record.mirrors, into: finder.cacheFolder)
        } else {
            for role in DatasetRole.allCases where !finder.has(role) {
                try downloader.fetch(record.file(role), mirrors: record.mirrors, into: finder.cacheFolder)
            }
        }
        guard case .complete(let found) = DatasetFinder.look(for: record, in: finder.cacheFolder) else {
            throw OperationError(finder.cacheFolder, problem: "files of \(record.name) vanished after their download")
        }
        return found
    }

    /// Splits `half` into training and validation, stratified by class.
    private static func split(
        _ half: DatasetReader.Half, _ options: DataOptions, seed: UInt64, dataset: String, directory: String,
        notes: [String], readTest: @escaping @Sendable () throws -> LoadedData.Test
    ) -> LoadedData {
        let parts = StratifiedSplit.indices(of: half.set.labels, fraction: options.validationFraction, seed: seed)
        return LoadedData(
            dataset: dataset, source: .full, directory: directory,
            train: parts.validation.isEmpty ? half.set : half.set.subset(parts.train),
            validation: half.set.subset(parts.validation), digests: half.digests, notes: notes, readTest: readTest)
    }

    /// Returns the sample with its own validation images or, if another share is asked for, with such a share of all
    /// but the test images.
    private static func sample(_ options: DataOptions, seed: UInt64, notes: [String]) throws -> LoadedData {
        let half = try Sample.load()
        var parts = (train: Array(Sample.trainRange), validation: Array(Sample.validationRange))
        if options.validationFraction != DataOptions().validationFraction {
            let known = half.set.labels.prefix(Sample.testRange.lowerBound)
            parts = StratifiedSplit.indices(of: Array(known), fraction: options.validationFraction, seed: seed)
        }
        return LoadedData(
            dataset: DatasetName.mnist.rawValue, source: .sample, directory: "the package's own sample",
            train: half.set.subset(parts.train), validation: half.set.subset(parts.validation),
            digests: half.digests, notes: notes
        ) {
            LoadedData.Test(images: half.set.subset(Sample.testRange), digests: half.digests, notes: [])
        }
    }

    /// Reads a test set with known classes from two IDX files by path, plain or gzip-compressed.
    /// - Parameter transposed: Whether rows and columns of the images are swapped, as in EMNIST.
    /// - Throws: `InputError` if a file is damaged, the two do not match, or a label is none of the classes.
    package static func test(
        images: String, labels: String, classNames: [String], transposed: Bool = false
    ) throws -> LoadedData.Test {
        let record = record(
            of: IDXFiles(
                trainImages: "", trainLabels: "", testImages: images, testLabels: labels, transposed: transposed),
            classNames: classNames)
        let half = try DatasetReader(record: record, acceptsAny: true).half(
            of: found(record), images: .testImages, labels: .testLabels)
        return LoadedData.Test(images: half.set, digests: half.digests, notes: half.notes)
    }

    /// Loads IDX files by path. Classes are those of `classes.txt` beside the training images; without it they are
    /// named by number, up to the largest training label.
    private static func load(
        _ files: IDXFiles, _ options: DataOptions, seed: UInt64, _ progress: DatasetProgress
    ) throws -> LoadedData {
        guard (files.validationImages == nil) == (files.validationLabels == nil) else {
            throw InputError(
                "data.files", expected: "validationImages and validationLabels together", received: "one of them")
        }
        let validationFiles = [files.validationImages, files.validationLabels].compactMap { $0 }
        for path in [files.trainImages, files.trainLabels, files.testImages, files.testLabels] + validationFiles {
            _ = try BinaryFile(path)
        }
        let labelCount = Int(try OwnIDX(labels: files.trainLabels).array.bytes.max() ?? 0) + 1
        let written = try ConversionFiles.classNames(in: (files.trainImages as NSString).deletingLastPathComponent)
        guard max(labelCount, written?.count ?? 0) >= 2 else {
            throw InputError(files.trainLabels, expected: "at least two classes", received: "only label 0")
        }
        let record = record(of: files, classNames: written ?? (0..<labelCount).map { String($0) })
        let found = found(record)
        let reader = DatasetReader(record: record, acceptsAny: true)
        let half = try reader.half(of: found, images: .trainImages, labels: .trainLabels)
        for note in half.notes { progress(.note(note)) }
        let readTest: @Sendable () throws -> LoadedData.Test = {
            let test = try reader.half(of: found, images: .testImages, labels: .testLabels)
            return LoadedData.Test(images: test.set, digests: test.digests, notes: test.notes)
        }
        if let images = files.validationImages, let labels = files.validationLabels {
            try options.checkValidationFraction(beside: "data.files with validationImages")
            let validation = try test(
                images: images, labels: labels, classNames: record.classNames, transposed: files.transposed)
            return LoadedData(
                dataset: record.name, source: .full, directory: found.directory, train: half.set,
                validation: validation.images,
                digests: half.digests.merging(validation.digests) { first, _ in first },
                notes: half.notes + validation.notes, readTest: readTest)
        }
        return split(
            half, options, seed: seed, dataset: record.name, directory: found.directory, notes: half.notes,
            readTest: readTest)
    }

    private static func record(of files: IDXFiles, classNames: [String]) -> DatasetRecord {
        func file(_ path: String) -> DatasetFile { DatasetFile(name: path) }
        return DatasetRecord(
            name: "files", title: "IDX files", classNames: classNames, trainCount: 0, testCount: 0, licence: "",
            files: [
                .trainImages: file(files.trainImages), .trainLabels: file(files.trainLabels),
                .testImages: file(files.testImages), .testLabels: file(files.testLabels),
            ], mirrors: [], isTransposed: files.transposed)
    }

    private static func found(_ record: DatasetRecord) -> FoundDataset {
        FoundDataset(directory: "files named by path", files: record.files.mapValues { .plain($0.name) })
    }
}
