import Formats
import Foundation
import Tensors

/// The user's own data at a given path: a folder of pictures for each class, one or several tables, or IDX files with
/// the names of their classes, as `datasets convert` writes them.
struct OwnData {
    enum Kind: Hashable {
        case pictures
        case tables(train: String, validation: String?, test: String?)
        case idx
        case shards
    }

    let path: String
    let kind: Kind

    /// Returns what `path` holds; nil if it is none of these.
    /// - Throws: an `InputError` if several tables could be the same part.
    static func find(_ path: String) throws(InputError) -> OwnData? {
        if DatasetFileNames.isFile(path) {
            return isTable(path) ? OwnData(path: path, kind: .tables(train: path, validation: nil, test: nil)) : nil
        }
        if ShardManifest.isIn(path) { return OwnData(path: path, kind: .shards) }
        if DatasetFileNames.isFile(joined(path, ConversionFiles.classList)),
            ConversionFiles.isIDX(path)
        {
            return OwnData(path: path, kind: .idx)
        }
        if FolderLayout.mayBe(path) { return OwnData(path: path, kind: .pictures) }
        var tables = DatasetFileNames.entries(of: path).filter { isTable($0) && !$0.hasPrefix(".") }
        guard !tables.isEmpty else { return nil }
        /// Takes the table of a part away from the others, so that none is two parts.
        func take(_ word: String) throws(InputError) -> String? {
            let found = tables.filter { DatasetFileNames.has([word], in: $0) }
            guard found.count <= 1 else {
                throw InputError(
                    path, expected: "one table for \(word)", received: found.joined(separator: ", "),
                    remedy: "name the one: --data \(joined(path, found[0]))")
            }
            tables.removeAll { found.contains($0) }
            return found.first.map { joined(path, $0) }
        }
        if let train = try take("train") {
            let test = try take("test")
            return OwnData(path: path, kind: .tables(train: train, validation: try take("val"), test: test))
        }
        guard tables.count == 1 else {
            throw InputError(
                path, expected: "a table for training, as train.csv", received: tables.joined(separator: ", "),
                remedy: "name the one: --data \(joined(path, tables[0]))")
        }
        return OwnData(path: path, kind: .tables(train: joined(path, tables[0]), validation: nil, test: nil))
    }

    private static func isTable(_ name: String) -> Bool {
        let name = name.lowercased()
        let plain = name.hasSuffix(".gz") ? String(name.dropLast(3)) : name
        return plain.hasSuffix(".csv") || plain.hasSuffix(".tsv")
    }

    /// The name of the data set in records.
    var dataset: String {
        switch kind {
        case .pictures: "pictures"
        case .tables: "table"
        case .idx, .shards: "files"
        }
    }

    /// Reads all data and holds out the parts that are missing: a test half by `options.testFraction`, then validation
    /// images.
    func load(
        _ options: DataOptions, seed: UInt64, locations: DatasetLocations, progress: @escaping DatasetProgress
    ) throws -> LoadedData {
        var notes: [String] = []
        func note(_ text: String) {
            let text = printable(text)
            notes.append(text)
            progress(.note(text))
        }
        let read: ConvertedData
        var shardDigest: String?
        switch kind {
        case .pictures:
            read = try pictures(options, locations, note: note, progress)
        case .tables(let train, let validation, let test):
            read = try tables(train, validation, test, options, note: note)
        case .idx:
            guard let data = try ConversionFiles.readIDX(path, transposed: false) else {
                throw InputError(path, expected: "IDX files", received: "none")
            }
            read = data
        case .shards:
            let sharded = try ShardedData(path) { progress(.reading(done: $0, total: $1)) }
            read = sharded.data
            shardDigest = sharded.digest
        }
        if read.test != nil { try options.checkTestFraction(beside: path) }
        if read.validation != nil { try options.checkValidationFraction(beside: path) }
        var data = read.withTest(fraction: options.isWhole ? 0 : options.testFraction, seed: seed)
        if read.test == nil, options.isAllTest, !options.isWhole {
            data = ConvertedData(train: read.train, test: read.train)
            note("\(path) has no test half: all \(read.train.count) images are tested on")
        } else if read.test == nil, !options.isWhole {
            note(
                "\(path) has no test half: \(data.test?.count ?? 0) of \(read.train.count) images were put aside as one, of each "
                    + "class alike, by the seed (data.testFraction \(options.testFraction))")
        }
        guard let test = data.test ?? (options.isWhole ? data.train.subset([]) : nil) else {
            throw InputError(
                path, expected: "a test half, or images enough to put one aside",
                received: "\(read.train.count) images",
                remedy: "data.testFraction says how many")
        }
        var digests: [String: String] = [:]
        for (name, set) in data.parts {
            if let shardDigest {
                digests["\(name): \(ShardManifest.fileName)"] = shardDigest
                continue
            }
            digests["\(name) images"] = try Self.digest(set.extents, set.images)
            digests["\(name) labels"] = try Self.digest([set.count], set.labels)
            digests.merge(try set.targetDigests(name)) { $1 }
        }
        let parts =
            data.validation == nil
            ? StratifiedSplit.indices(of: data.train.labels, fraction: options.validationFraction, seed: seed) : nil
        let train = parts.map { $0.validation.isEmpty ? data.train : data.train.subset($0.train) } ?? data.train
        let testDigests = digests.filter { $0.key.hasPrefix("test") }
        return LoadedData(
            dataset: dataset, source: .full, directory: path, train: train,
            validation: data.validation ?? data.train.subset(parts?.validation ?? []),
            digests: digests.filter { !$0.key.hasPrefix("test") }, notes: notes
        ) { LoadedData.Test(images: test, digests: testDigests, notes: []) }
    }

    private static func digest(_ extents: [Int], _ bytes: [UInt8]) throws -> String {
        try DatasetReader.digest(of: IDX(extents: extents, bytes: bytes))
    }

    private func pictures(
        _ options: DataOptions, _ locations: DatasetLocations, note: (String) -> Void,
        _ progress: @escaping DatasetProgress
    ) throws -> ConvertedData {
        let isColour = try isColour(options)
        guard !isColour || !options.prepare else {
            throw InputError(
                "data.prepare", expected: "false for a network that sees colours: ink has none", received: "true",
                remedy: "--set data.prepare=false takes pictures whole")
        }
        let layout = try FolderLayout(path, classes: options.classNames == nil ? options.modelClasses : nil)
        for text in layout.notes { note(text) }
        let size = options.imageSize
        let fitting: ImageFolder.Fitting =
            options.prepare
            ? .prepared(width: size?.width ?? 28, height: size?.height ?? 28)
            : size.map { .resized(width: $0.width, height: $0.height) } ?? .asIs
        let cache = PictureCache(
            folder: joined(locations.cacheDirectory, "pictures"), layout: layout, fitting: fitting, isColour: isColour)
        let (data, notes) = try cache.read { note in
            try ImageFolder.read(layout, fitting: fitting, isColour: isColour, note: note) {
                progress(.reading(done: $0, total: $1))
            }
        }
        for text in notes { note(text) }
        note(
            options.prepare
                ? "pictures were prepared as MNIST's digits were: ink found, cropped, centred in "
                    + "\(data.train.width)×\(data.train.height) (data.prepare false takes them whole)"
                : "pictures were taken whole, \(data.train.width)×\(data.train.height)"
                    + (isColour ? ", in colour" : ""))
        return data
    }

    /// Returns whether the network sees red, green and blue.
    private func isColour(_ options: DataOptions) throws(InputError) -> Bool {
        switch options.imageChannels ?? 1 {
        case 1: return false
        case 3: return true
        case let channels:
            throw InputError(
                "model.inputShape", expected: "1 channel (grey) or 3 (red, green, blue) for \(path)",
                received: "\(channels) channels")
        }
    }

    private func tables(
        _ train: String, _ validation: String?, _ test: String?, _ options: DataOptions, note: (String) -> Void
    ) throws -> ConvertedData {
        var table = ImageCSV.Options(
            labelColumn: options.labelColumn, channels: try isColour(options) ? 3 : 1, multiLabel: options.multiLabel,
            weightColumn: options.weightColumn, weightsAreOptional: options.weightsAreOptional)
        if let size = options.imageSize, size.width != size.height { table.size = (size.width, size.height) }
        let classes = options.classNames == nil ? options.modelClasses : nil
        let set = try ImageCSV.read(train, table, classes: classes, note: note)
        var data = ConvertedData(train: set)
        // Tests are not weighted.
        var testTable = table
        testTable.weightsAreOptional = true
        data.validation = try validation.map { try ImageCSV.read($0, table, as: set, note: note) }
        if let test {
            // As in Kaggle's test sets, whose labels are secret.
            if try ImageCSV.isLabelled(test, testTable) {
                data.test = try ImageCSV.read(test, testTable, as: set, note: note)
            } else {
                note("\(test) has no labels and is passed over; trainer predict reads it")
            }
        }
        if data.train.isDarkOnLight {
            note("\(train): ink is darker than paper; MNIST's is lighter. It trains all the same")
        }
        return data
    }
}

extension ImageSet {
    /// Whether the top and bottom rows of most images are lighter than mid-grey on average.
    var isDarkOnLight: Bool {
        guard count > 0 else { return false }
        var light = 0
        forEachImage { _, pixels in
            var sum = 0
            for column in 0..<(width * channels) {
                sum += Int(pixels[column]) + Int(pixels[imageSize - 1 - column])
            }
            if sum > 128 * 2 * width * channels { light += 1 }
        }
        return 2 * light > count
    }
}
