import Foundation
import TestSupport
import Testing

@testable import Datasets
@testable import Formats

/// Names and folders under which people have the four files.
@Suite struct FinderTests {
    /// Where each role's file lies, by a name such as `train-images-idx3-ubyte`.
    private func store(_ record: DatasetRecord, in folder: TemporaryFolder, _ path: (String) -> String) throws {
        for role in DatasetRole.allCases {
            let place = path(record.file(role).name)
            try FileManager.default.createDirectory(
                atPath: (folder.path + "/" + place as NSString).deletingLastPathComponent,
                withIntermediateDirectories: true)
            try folder.write([0], place)
        }
    }

    private func found(_ name: DatasetName, in folder: TemporaryFolder) throws -> FoundDataset {
        let record = DatasetCatalog.record(name)
        return try #require(try NamedFolder(path: folder.path, place: "--data", record: record).find())
    }

    static let spellings: [(String, @Sendable (String) -> String)] = [
        ("as published", { $0 }), ("packed", { $0 + ".gz" }),
        ("as Windows unpacks it", { $0.replacingOccurrences(of: "-idx", with: ".idx") }),
        ("so, packed", { $0.replacingOccurrences(of: "-idx", with: ".idx") + ".gz" }),
        ("capitals", { $0.uppercased() }), ("capitals, packed", { $0.uppercased() + ".GZ" }),
        ("underscores", { $0.replacingOccurrences(of: "-", with: "_") }),
        ("a folder a file", { $0 + "/" + $0 }),
        ("a folder a file, dots", { $0.replacingOccurrences(of: "-idx", with: ".idx") + "/" + $0 }),
        ("torchvision's raw", { "raw/" + $0 }),
    ]

    @Test(arguments: spellings, DatasetName.allCases)
    func everySpellingIsFound(_ spelling: (name: String, path: @Sendable (String) -> String), _ name: DatasetName)
        throws
    {
        let folder = try TemporaryFolder()
        try store(DatasetCatalog.record(name), in: folder, spelling.path)
        let files = try found(name, in: folder).files
        for role in DatasetRole.allCases {
            let expected = folder.path + "/" + spelling.path(DatasetCatalog.record(name).file(role).name)
            #expect(files[role] == .plain(expected), "\(spelling.name)")
        }
    }

    @Test(arguments: [
        (DatasetName.mnist, "MNIST/raw"), (.fashionMnist, "FashionMNIST/raw"), (.kmnist, "KMNIST/raw"),
        (.qmnist, "QMNIST/raw"), (.emnistDigits, "EMNIST/raw"), (.fashionMnist, "fashion_mnist"), (.mnist, "Mnist"),
    ])
    func foldersOfOtherTools(_ name: DatasetName, _ path: String) throws {
        let folder = try TemporaryFolder()
        try store(DatasetCatalog.record(name), in: folder) { path + "/" + $0 }
        #expect(try found(name, in: folder).directory == folder.path + "/" + path)
    }

    /// Files of another data set in torchvision's folder are not those that are asked for, though they have their names.
    @Test func anotherSetsFolderIsNotTaken() throws {
        let folder = try TemporaryFolder()
        try store(DatasetCatalog.mnist, in: folder) { "MNIST/raw/" + $0 }
        let named = NamedFolder(path: folder.path, place: "--data", record: DatasetCatalog.fashionMnist)
        #expect(try named.find() == nil)
        #expect(named.absence.received == "MNIST/")
    }

    @Test func plainGoesBeforePackedAndPublishedBeforeOthers() throws {
        let folder = try TemporaryFolder()
        for name in ["T10K-IMAGES.IDX3-UBYTE", "t10k-images-idx3-ubyte.gz"] { try folder.write([0], name) }
        let name = DatasetCatalog.mnist.file(.testImages).name
        #expect(DatasetFileNames.find(name, in: folder.path) == folder.path + "/t10k-images-idx3-ubyte.gz")
        try folder.write([0], name)
        #expect(DatasetFileNames.find(name, in: folder.path) == folder.path + "/" + name)
    }

    @Test func whatIsMissingIsSaidWithWhatIsThere() throws {
        let folder = try TemporaryFolder()
        let named = NamedFolder(path: folder.path, place: "data.directory", record: DatasetCatalog.mnist)
        #expect(named.absence.received == "an empty folder")
        for index in 0..<8 { try folder.write([0], "note\(index).txt") }
        #expect(try named.find() == nil)
        let message = named.absence.description
        #expect(message.contains("train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte"))
        #expect(
            message.contains("received note0.txt, note1.txt, note2.txt, note3.txt, note4.txt, note5.txt and 2 more"))
    }

    /// Half a set in one place does not hide the whole in another.
    @Test func aWholeSetGoesBeforeAPart() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: folder.path + "/mnist", withIntermediateDirectories: true)
        try folder.write([0], "mnist/train-images-idx3-ubyte")
        #expect(inputError { _ = try found(.mnist, in: folder) }.contains("train-labels-idx1-ubyte is missing"))
        try store(DatasetCatalog.mnist, in: folder) { $0 }
        #expect(try found(.mnist, in: folder).directory == folder.path)
    }

    @Test func aNamedFolderExcludesOtherSources() throws {
        let folder = try TemporaryFolder()
        var options = DataOptions()
        options.directory = folder.path
        let auto = inputError { _ = try DatasetLoader.load(options, seed: 1) }
        #expect(auto.hasPrefix("data.directory: expected MNIST handwritten digits in"), "\(auto)")
        options.source = .sample
        #expect(
            inputError { _ = try DatasetLoader.load(options, seed: 1) }.hasPrefix("data.source: expected auto or full"))
        options.source = .auto
        options.files = IDXFiles(trainImages: "a", trainLabels: "b", testImages: "c", testLabels: "d")
        #expect(
            inputError { _ = try DatasetLoader.load(options, seed: 1) }.hasPrefix("data.directory: expected nothing"))
    }
}
