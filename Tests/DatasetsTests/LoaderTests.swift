import Formats
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Datasets

@Suite struct LoaderTests {
    private func store(_ files: SmallFiles, in folder: TemporaryFolder, _ path: String = "", gzip: Bool = true) throws {
        for (role, array) in files.images {
            let name = files.record.file(role).name
            if gzip {
                try folder.write(Gzip.compress(array.fileBytes, level: 1), path + name + ".gz")
            } else {
                try folder.write(array.fileBytes, path + name)
            }
        }
    }

    private var full: DataOptions {
        var options = DataOptions()
        options.source = .full
        return options
    }

    @Test(arguments: ["", "mnist/"], [false, true]) func filesInAFolder(path: String, gzip: Bool) throws {
        let folder = try TemporaryFolder(), cache = try TemporaryFolder()
        let files = try SmallFiles.digits()
        try store(files, in: folder, path, gzip: gzip)
        var options = full
        options.directory = folder.path
        options.validationFraction = 0.5
        let data = try DatasetLoader.load(options, seed: 4, locations: files.locations(cache: cache))
        #expect(data.source == .full && data.dataset == "mnist" && data.notes.isEmpty)
        #expect(data.train.classSizes == [Int](repeating: 1, count: 10))
        #expect(data.validation.classSizes == [Int](repeating: 1, count: 10))
        #expect(data.digests["trainImages-idx"] == files.record.file(.trainImages).sha256)
        #expect(data.digests.count == 2)
        let split = StratifiedSplit.indices(of: (0..<20).map { UInt8($0 % 10) }, fraction: 0.5, seed: 4)
        let pixels = try #require(files.images[.trainImages]).bytes
        #expect(data.train.images == split.train.flatMap { pixels[($0 * 9)..<($0 * 9 + 9)] })
        #expect(data.mean == data.train.pixelMoments.mean)
        let test = try data.loadTest()
        #expect(test.images.images == files.images[.testImages]?.bytes)
        #expect(test.digests["testLabels-idx"] == files.record.file(.testLabels).sha256)
        options.validationFraction = 0
        let whole = try DatasetLoader.load(options, seed: 4, locations: files.locations(cache: cache))
        #expect(whole.validation.count == 0 && whole.train.images == pixels)
    }

    @Test func searchOrder() throws {
        let named = try TemporaryFolder(), environment = try TemporaryFolder(), cache = try TemporaryFolder()
        let files = try SmallFiles.digits()
        let locations = files.locations(cache: cache, environment: environment.path)
        func directory(_ directory: String? = nil) throws -> String {
            var options = full
            options.directory = directory
            return try DatasetLoader.load(options, seed: 1, locations: locations).directory
        }
        #expect(throws: InputError.self) { try directory() }
        // What NUMERAL_DATA names is where the data are, or an error; and so is what the configuration names before it.
        try store(files, in: cache, "mnist/")
        #expect(inputError { _ = try directory() }.hasPrefix("NUMERAL_DATA: expected a small mnist in "))
        let anywhere = files.locations(cache: cache)
        #expect(try DatasetLoader.load(full, seed: 1, locations: anywhere).directory == cache.path + "/mnist")
        let astray = files.locations(cache: cache, environment: named.path + "/absent")
        #expect(
            inputError { _ = try DatasetLoader.load(full, seed: 1, locations: astray) }.hasPrefix(
                "NUMERAL_DATA: expected a folder"))
        try store(files, in: environment)
        #expect(try directory() == environment.path)
        #expect(
            inputError { _ = try directory(named.path) }.hasPrefix("data.directory: expected a small mnist in "),
            "nothing there yet")
        try store(files, in: named)
        #expect(try directory(named.path) == named.path)
        try FileManager.default.removeItem(atPath: named.path + "/testLabels-idx.gz")
        #expect(inputError { _ = try directory(named.path) }.contains("testLabels-idx is missing"))
        #expect(inputError { _ = try directory(named.path + "/absent") }.hasPrefix("data.directory: "))
    }

    @Test func environmentOfAProcess() {
        let locations = DatasetLocations(environment: ["NUMERAL_DATA": "/d", "XDG_CACHE_HOME": "/c", "HOME": "/h"])
        #expect(locations.environmentDirectory == "/d" && locations.cacheDirectory == "/c/numeral")
        let bare = DatasetLocations(environment: ["NUMERAL_DATA": "", "HOME": "/h"])
        #expect(bare.environmentDirectory == nil && bare.cacheDirectory == "/h/.cache/numeral")
    }

    @Test func digestsDecide() throws {
        let folder = try TemporaryFolder(), cache = try TemporaryFolder()
        var files = try SmallFiles.digits()
        let good = try #require(files.images[.trainImages])
        var other = good
        other.bytes[3] ^= 1
        files.images[.trainImages] = other
        try store(files, in: folder)
        var options = full
        options.directory = folder.path
        let locations = files.locations(cache: cache)
        let message = inputError { _ = try DatasetLoader.load(options, seed: 1, locations: locations) }
        for array in [good, other] { #expect(message.contains(try DatasetReader.digest(of: array))) }

        // Only the gzip's digest is known: no other gzip will do; a plain file is taken with a note.
        files.record.files[.trainImages]?.sha256 = nil
        let repacked = files.locations(cache: cache)
        #expect(
            inputError { _ = try DatasetLoader.load(options, seed: 1, locations: repacked) }.contains("as published"))
        files.images[.trainImages] = good
        try folder.write(Gzip.compress(good.fileBytes), "trainImages-idx.gz")
        #expect(try DatasetLoader.load(options, seed: 1, locations: repacked).notes.isEmpty)
        try folder.write(good.fileBytes, "trainImages-idx")
        let data = try DatasetLoader.load(options, seed: 1, locations: repacked)
        #expect(data.notes.count == 1 && data.notes[0].contains("no published digest vouches for it"))
        let rows = try DatasetLoader.verify(.mnist, directory: folder.path, locations: repacked)
        #expect(rows.map(\.isVerified) == [false, true, true, true])
    }

    @Test func filesByPath() throws {
        let folder = try TemporaryFolder(), cache = try TemporaryFolder()
        let files = try SmallFiles.digits()
        try store(files, in: folder)
        func path(_ role: DatasetRole) -> String { "\(folder.path)/\(role.rawValue)-idx.gz" }
        var options = DataOptions()
        options.files = IDXFiles(
            trainImages: path(.trainImages), trainLabels: path(.trainLabels), testImages: path(.testImages),
            testLabels: path(.testLabels))
        let locations = files.locations(cache: cache)
        let data = try DatasetLoader.load(options, seed: 1, locations: locations)
        #expect(data.dataset == "files" && data.train.classCount == 10)
        #expect(try data.loadTest().images.count == 10)

        // Labels that training does not know, and images of another size, are found when the test set is read.
        try folder.write(IDX(extents: [10], bytes: [UInt8](repeating: 10, count: 10)).fileBytes, "new-labels")
        options.files?.testLabels = folder.path + "/new-labels"
        let unknown = try DatasetLoader.load(options, seed: 1, locations: locations)
        #expect(inputError { _ = try unknown.loadTest() }.contains("expected labels in 0...9 · received 10 at index 0"))
        options.files?.testLabels = path(.testLabels)
        try folder.write(IDX(extents: [10, 2, 2], bytes: [UInt8](repeating: 0, count: 40)).fileBytes, "new-images")
        options.files?.testImages = folder.path + "/new-images"
        let small = try DatasetLoader.load(options, seed: 1, locations: locations)
        #expect(inputError { _ = try small.loadTest() }.contains("expected 3×3×1, as for training"))
        options.files?.testImages = folder.path + "/absent"
        #expect(
            inputError { _ = try DatasetLoader.load(options, seed: 1, locations: locations) }
                .contains("nothing there"))
        options.files?.testImages = path(.testImages)
        options.files?.trainLabels = path(.testLabels)
        #expect(
            inputError { _ = try DatasetLoader.load(options, seed: 1, locations: locations) }
                .contains("expected 20 labels"))
    }

    @Test func impossibleOptions() {
        var options = DataOptions()
        options.source = .sample
        options.dataset = .kmnist
        #expect(inputError { _ = try DatasetLoader.load(options, seed: 1) }.contains("only mnist has a bundled sample"))
        options.files = IDXFiles(trainImages: "a", trainLabels: "b", testImages: "c", testLabels: "d")
        #expect(inputError { _ = try DatasetLoader.load(options, seed: 1) }.hasPrefix("data.source: "))
        options.validationFraction = 1
        #expect(inputError { _ = try DatasetLoader.load(options, seed: 1) }.hasPrefix("data.validationFraction: "))
    }

    @Test func emnistLettersFromItsArchive() throws {
        let folder = try TemporaryFolder(), cache = try TemporaryFolder()
        let letters = IDX(extents: [26], bytes: (1...26).map { UInt8($0) })
        // Two rows of three as written, so that three rows of two are meant.
        let pixels = randomBytes(26 * 6, 8)
        let images = IDX(extents: [26, 2, 3], bytes: pixels)
        var record = DatasetCatalog.record(.emnistLetters)
        var builder = ZipBuilder()
        for (role, file) in record.files.sorted(by: { $0.value.name < $1.value.name }) {
            let array = role.isImages ? images : letters
            try builder.add(
                "gzip/" + file.publishedName, Gzip.compress(array.fileBytes), deflated: role == .trainImages)
        }
        let archive = builder.finished()
        try folder.write(archive, "emnist/gzip.zip")
        var options = full
        options.dataset = .emnistLetters
        options.directory = folder.path
        options.validationFraction = 0
        var locations = try SmallFiles.digits().locations(cache: cache)
        #expect(
            inputError { _ = try DatasetLoader.load(options, seed: 1, locations: locations) }
                .contains("sha256 fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e"))
        record.archive = DatasetFile(name: "gzip.zip", publishedSHA256: try Digest.hex(archive))
        locations.records[.emnistLetters] = record
        let data = try DatasetLoader.load(options, seed: 1, locations: locations)
        #expect((data.train.height, data.train.width) == (3, 2))
        #expect(data.train.labels == (0..<26).map { UInt8($0) })
        #expect(data.train.classNames.first == "A" && data.train.classNames.last == "Z")
        for index in 0..<26 {
            for row in 0..<3 {
                for column in 0..<2 {
                    #expect(data.train.images[index * 6 + row * 2 + column] == pixels[index * 6 + column * 3 + row])
                }
            }
        }
        #expect(try data.loadTest().images.images == data.train.images)
        #expect(data.notes.isEmpty)
        #expect(try DatasetLoader.verify(.emnistLetters, directory: folder.path, locations: locations).count == 5)
    }

    @Test func qmnistLabels() throws {
        // The class is in column 0; what follows tells where the digit comes from.
        var bytes: [UInt8] = []
        for c: UInt8 in 0..<10 { bytes += [0, 0, 0, c] + [UInt8](repeating: 0x7F, count: 28) }
        let labels = IDX(type: .int32, extents: [10, 8], bytes: bytes)
        var files = try SmallFiles("qmnist", labels: [.trainLabels: labels, .testLabels: labels])
        files.record.hasExtendedLabels = true
        let folder = try TemporaryFolder(), cache = try TemporaryFolder()
        try store(files, in: folder, "qmnist/")
        let locations = files.locations(cache: cache, environment: folder.path)
        var options = full
        options.validationFraction = 0
        let data = try DatasetLoader.load(options, seed: 1, locations: locations)
        #expect(data.train.labels == (0..<10).map { UInt8($0) })

        var wrong = labels
        wrong.bytes[32] = 0xFF
        files.record.files[.trainLabels]?.sha256 = try DatasetReader.digest(of: wrong)
        try folder.write(wrong.fileBytes, "qmnist/trainLabels-idx")
        let again = files.locations(cache: cache, environment: folder.path)
        #expect(
            inputError { _ = try DatasetLoader.load(options, seed: 1, locations: again) }
                .contains("expected labels in 0...9 · received -16777215 at index 1"))
    }

    @Test func catalogue() throws {
        let classCounts = DatasetName.allCases.map { DatasetCatalog.record($0).classCount }
        #expect(classCounts == [10, 10, 10, 10, 47, 62, 47, 10, 26, 10])
        for name in DatasetName.allCases {
            let record = DatasetCatalog.record(name)
            #expect(record.name == name.rawValue && record.files.count == 4 && !record.mirrors.isEmpty)
            #expect(Set(record.classNames).count == record.classCount)
            for file in (record.archive.map { [$0] } ?? Array(record.files.values)) {
                #expect(file.published != nil)
                #expect([file.sha256, file.publishedSHA256].allSatisfy { $0 == nil || $0?.count == 64 })
            }
        }
        #expect(DatasetCatalog.record(.mnist).downloadBytes == 9_912_422 + 28_881 + 1_648_877 + 4_542)
        #expect(DatasetCatalog.record(.emnistLetters).downloadBytes == 561_753_746)
        #expect(DatasetCatalog.record(.qmnist).downloadBytes == nil)
        let empty = try TemporaryFolder()
        let locations = DatasetLocations(
            environmentDirectory: nil, cacheDirectory: empty.path, systemDirectories: [], allowsDownload: false)
        let statuses = try DatasetLoader.list(locations: locations)
        #expect(statuses.map(\.record.name) == DatasetName.allCases.map(\.rawValue))
        #expect(statuses.allSatisfy { $0.directory == nil } && statuses.map(\.hasSample).filter { $0 }.count == 1)
    }
}
