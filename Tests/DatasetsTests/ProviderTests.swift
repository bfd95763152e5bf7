import Formats
import Foundation
import Tensors
import Testing
import TestSupport

@testable import Datasets

@Suite struct ProviderTests {
    /// A folder like CIFAR-10's, with a few images in each file: pixel (row, column, channel) of image i is known.
    private static func value(_ image: Int, _ row: Int, _ column: Int, _ channel: Int) -> UInt8 {
        UInt8((image * 7 + row * 3 + column * 5 + channel * 50) % 256)
    }

    private func folder(images: Int = 20) throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cifar-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (file, name) in ((1...5).map { "data_batch_\($0).bin" } + ["test_batch.bin"]).enumerated() {
            var bytes = Data()
            for image in 0..<images {
                bytes.append(UInt8((file + image) % 10))
                for channel in 0..<3 {
                    for row in 0..<32 {
                        for column in 0..<32 { bytes.append(Self.value(file * images + image, row, column, channel)) }
                    }
                }
            }
            try bytes.write(to: folder.appendingPathComponent(name))
        }
        return folder
    }

    private func options(_ folder: URL) -> DataOptions {
        var options = DataOptions()
        options.provider = DataProvider(CIFAR10(directory: folder.path))
        options.validationFraction = 0.2
        return options
    }

    @Test func cifar10() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        var options = options(folder)
        options.validationFraction = 0
        let data = try DatasetLoader.load(options, seed: 1)
        #expect((data.train.count, data.train.height, data.train.width, data.train.channels) == (100, 32, 32, 3))
        #expect(data.dataset == "cifar10" && data.train.classNames[9] == "truck")
        for image in [0, 57, 99] {
            let (pixels, label) = data.train[image]
            #expect(label == (image / 20 + image % 20) % 10)
            for (row, column, channel) in [(0, 0, 0), (3, 7, 1), (31, 31, 2)] {
                #expect(pixels[(row * 32 + column) * 3 + channel] == Self.value(image, row, column, channel))
            }
        }
        let test = try data.loadTest()
        #expect(test.images.count == 20)
        #expect(test.images[3].pixels[0] == Self.value(103, 0, 0, 0))
        #expect(data.digests["train images"]?.count == 64)
    }

    /// SVHN's files, made by SciPy, as Tests/Oracles/make_mat.py does.
    @Test func svhn() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("svhn-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = try #require(Data(base64Encoded: Self.svhnFile))
        for name in ["train_32x32.mat", "test_32x32.mat", "extra_32x32.mat"] {
            try file.write(to: folder.appendingPathComponent(name))
        }
        let data = try SVHN(directory: folder.path).load()
        #expect((data.train.count, data.train.height, data.train.width, data.train.channels) == (4, 2, 3, 3))
        // The label 10 is the digit 0.
        #expect(data.train.labels == [0, 1, 2, 3] && data.train.classNames == ImageSet.digits)
        for (n, y, x, c) in [(0, 0, 0, 0), (1, 1, 2, 0), (3, 0, 1, 2)] {
            #expect(data.train.bytes(of: n)[(y * 3 + x) * 3 + c] == UInt8(60 * n + 10 * c + 3 * x + y))
        }
        #expect(try data.test().images == data.train.images)
        #expect(try SVHN(directory: folder.path, extra: true).load().train.count == 8)
        try file.dropLast(9).write(to: folder.appendingPathComponent("train_32x32.mat"))
        #expect(throws: InputError.self) { _ = try SVHN(directory: folder.path).load() }
        try Self.imagesWithoutRows.write(to: folder.appendingPathComponent("train_32x32.mat"))
        #expect(throws: InputError.self) { _ = try SVHN(directory: folder.path).load() }
    }

    /// A MAT-file with X of [0, 2³¹ − 1, 3, 2], which has no bytes, and two labels.
    private static var imagesWithoutRows: Data {
        func element(_ type: UInt32, _ bytes: [UInt8]) -> [UInt8] {
            LittleEndian.bytes(of: type) + LittleEndian.bytes(of: UInt32(bytes.count)) + bytes
                + [UInt8](repeating: 0, count: (8 - bytes.count % 8) % 8)
        }
        func matrix(_ name: String, _ extents: [Int32], _ bytes: [UInt8]) -> [UInt8] {
            let flags: [UInt8] = [9, 0, 0, 0, 0, 0, 0, 0]
            return element(
                14,
                element(6, flags) + element(5, extents.flatMap { LittleEndian.bytes(of: $0) })
                    + element(1, Array(name.utf8)) + element(2, bytes))
        }
        let header = [UInt8](repeating: 32, count: 124) + [0, 1] + Array("IM".utf8)
        return Data(header + matrix("X", [0, .max, 3, 2], []) + matrix("y", [2, 1], [1, 2]))
    }

    private static let svhnFile = """
        TUFUTEFCIDUuMCBNQVQtZmlsZSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg\
        ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAAAAAAAAAAAAABSU0PAAAAdQAAAHic42NgYGgAYjYg5gBiTgYIYAVi\
        ASBmAmJmKGYBYkYgjICKe4AUMjKzsLFzcfPyCQiKiIpLSEnb2No7ODm7uXt6+fgGBAaHhIVXVFbX1NU3Nbe2dXT29PZPmDR5y9btO3bt\
        3rf/4KEjR0+cPH3m3HkANKMehw8AAAAqAAAAeJzjY2BgMABiNiDmAGJOBghghfJZgJgRjBkZKoE0E1CEi5GJGQAZCAD5
        """

    @Test func aPartIsKeptForValidation() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let data = try DatasetLoader.load(options(folder), seed: 1)
        #expect((data.train.count, data.validation.count) == (80, 20))
        #expect(data.validation.classSizes == Array(repeating: 2, count: 10))
    }

    @Test func damagedFilesAreRefused() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("data_batch_3.bin")
        try Data(count: 3072).write(to: file)
        #expect(
            throws: InputError(
                file.path, expected: "1…100,000 records of 3073 bytes", received: "3072 bytes")
        ) { _ = try DatasetLoader.load(options(folder), seed: 1) }
        var wrong = Data(count: 3073)
        wrong[0] = 10
        try wrong.write(to: file)
        #expect(throws: InputError.self) { _ = try DatasetLoader.load(options(folder), seed: 1) }
        try FileManager.default.removeItem(at: file)
        #expect(throws: InputError.self) { _ = try DatasetLoader.load(options(folder), seed: 1) }
    }

    @Test func thePythonVersionIsNamed() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cifar-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data([1]).write(to: folder.appendingPathComponent("data_batch_1"))
        #expect(
            throws: InputError(
                folder.path, expected: "CIFAR-10's binary version, data_batch_1.bin", received: "its Python version",
                remedy: "fetch cifar-10-binary.tar.gz from the same page")
        ) { _ = try DatasetLoader.load(options(folder), seed: 1) }
    }

    /// Halves that do not fit each other.
    private struct Odd: DataProviderKind {
        var validation = 28, test = 28, trains = true
        static let type = "odd"
        static var options: Section<Odd> { Section(initial: Odd(), fields: []) }

        private static func set(_ side: Int, _ count: Int = 4) throws -> ImageSet {
            try ImageSet(
                pixels: [UInt8](repeating: 1, count: count * side * side), labels: (0..<count).map { $0 % 2 },
                height: side, width: side, classNames: ["a", "b"])
        }

        func load() throws -> ProvidedData {
            let test = test
            return ProvidedData(train: try Self.set(28, trains ? 4 : 0), validation: try Self.set(validation)) {
                try Self.set(test)
            }
        }
    }

    @Test func halvesMustFit() throws {
        func load(_ odd: Odd, _ change: (inout DataOptions) -> Void = { _ in }) throws -> LoadedData {
            var options = DataOptions()
            options.provider = DataProvider(odd)
            change(&options)
            return try DatasetLoader.load(options, seed: 1)
        }
        #expect(try load(Odd()).validation.count == 4)
        #expect(throws: InputError.self) { _ = try load(Odd(validation: 14)) }
        #expect(throws: InputError.self) { _ = try load(Odd(test: 14)).loadTest() }
        #expect(throws: InputError.self) { _ = try load(Odd(trains: false)) }
        #expect(throws: InputError.self) { _ = try load(Odd()) { $0.directory = "a" } }
        #expect(throws: InputError.self) { _ = try load(Odd()) { $0.source = .sample } }
        #expect(throws: InputError.self) {
            _ = try load(Odd()) {
                $0.files = IDXFiles(trainImages: "", trainLabels: "", testImages: "", testLabels: "")
            }
        }
    }
}
