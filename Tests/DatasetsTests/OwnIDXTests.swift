import Foundation
import Tensors
import TestSupport
import Testing

@testable import Datasets
@testable import Formats

/// IDX files as NumPy's users write them.
@Suite struct OwnIDXTests {
    private static func words(_ values: [UInt64], _ size: Int) -> [UInt8] {
        values.flatMap { value in (0..<size).reversed().map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) } }
    }

    /// The bytes of a file of `values`, written here by the format's description.
    private static func file(_ type: IDX.ElementType, _ extents: [Int], _ values: [Double]) -> [UInt8] {
        let payload =
            switch type {
            case .ubyte: values.map { UInt8($0) }
            case .int8: values.map { UInt8(bitPattern: Int8($0)) }
            case .int16: words(values.map { UInt64(UInt16(bitPattern: Int16($0))) }, 2)
            case .int32: words(values.map { UInt64(UInt32(bitPattern: Int32($0))) }, 4)
            case .float32: words(values.map { UInt64(Float($0).bitPattern) }, 4)
            case .float64: words(values.map { $0.bitPattern }, 8)
            }
        return [0, 0, type.rawValue, UInt8(extents.count)] + words(extents.map { UInt64($0) }, 4) + payload
    }

    private static func idx(_ type: IDX.ElementType, _ extents: [Int], _ values: [Double]) throws -> IDX {
        try IDX.parseAny(file(type, extents, values), place: "f")
    }

    static let types: [IDX.ElementType] = [.ubyte, .int8, .int16, .int32, .float32, .float64]

    /// `data.classNames` holds for images of numbers too.
    @Test func numbersTakeNames() throws {
        let bytes = try ImageSet(
            images: [0, 255], labels: [0, 1], height: 1, width: 1, classCount: 2, classNames: ["0", "1"])
        let set = ImageSet(bytes, images: bytes.images, numbers: [0.001, 0.999], labels: bytes.labels)
        let named = try set.named(["cat", "dog"])
        #expect(named.classNames == ["cat", "dog"] && named.numbers == [0.001, 0.999])
        #expect(throws: InputError.self) { try set.named(["cat"]) }
    }

    @Test(arguments: types) func labelsOfEveryType(_ type: IDX.ElementType) throws {
        let expected = IDX(extents: [3], bytes: [7, 0, 9])
        for extents in [[3], [3, 1]] {
            #expect(try OwnIDX(labels: Self.idx(type, extents, [7, 0, 9]), place: "f").array == expected)
        }
    }

    /// Colours last stay, colours first are put last.
    @Test func colours() throws {
        let values = (0..<2 * 8 * 6 * 3).map { $0 % 251 }, bytes = values.map { UInt8($0) }
        let last = try OwnIDX(images: IDX(extents: [2, 8, 6, 3], bytes: bytes), place: "f")
        #expect(last.array == IDX(extents: [2, 8, 6, 3], bytes: bytes) && last.note == nil)
        let first = try OwnIDX(images: IDX(extents: [2, 3, 8, 6], bytes: bytes), place: "f")
        #expect(first.array.extents == [2, 8, 6, 3] && first.note == "channels come first and are put last")
        for (n, y, x, c) in [(0, 0, 0, 0), (0, 3, 5, 2), (1, 7, 0, 1)] {
            #expect(first.array.bytes[((n * 8 + y) * 6 + x) * 3 + c] == bytes[((n * 3 + c) * 8 + y) * 6 + x])
        }
    }

    @Test func labelsThatAreNone() throws {
        func message(_ type: IDX.ElementType, _ extents: [Int], _ values: [Double]) -> String {
            inputError { _ = try OwnIDX(labels: Self.idx(type, extents, values), place: "f") }
        }
        #expect(
            message(.float32, [2], [1, 1.5]).contains(
                "expected labels that are whole numbers in 0...255 · received 1.5 at index 1"))
        #expect(message(.int16, [2], [1, -1]).contains("received -1.0 at index 1"))
        #expect(message(.int32, [1], [256]).contains("received 256.0 at index 0"))
        #expect(message(.float32, [1], [.nan]).contains("received nan"))
        #expect(message(.float32, [2, 3], [0, 1, 0, 1, 0, 0]).contains("labels.argmax(axis=1)"))
        #expect(message(.ubyte, [1, 2, 2], [0, 1, 0, 1]).contains("are images and labels exchanged?"))
    }

    /// The class of QMNIST's eight columns.
    @Test func extendedLabels() throws {
        let rows = [5.0, 1, 2, 3, 4, 5, 6, 7] + [8, 0, 0, 0, 0, 0, 0, 0]
        #expect(try OwnIDX(labels: Self.idx(.int32, [2, 8], rows), place: "f").array.bytes == [5, 8])
    }

    @Test(arguments: [[2, 4], [2, 2, 2], [2, 2, 2, 1], [2, 1, 2, 2]])
    func imagesOfEveryShape(_ extents: [Int]) throws {
        let values = [0.0, 1, 2, 3, 100, 127, 6, 7]
        for type in Self.types {
            let own = try OwnIDX(images: Self.idx(type, extents, values), place: "f")
            #expect(own.array == IDX(extents: [2, 2, 2], bytes: values.map { UInt8($0) }), "\(type)")
            #expect((own.note == nil) == (extents.count > 2))
        }
    }

    @Test func imagesThatAreNone() throws {
        func message(_ type: IDX.ElementType, _ extents: [Int], _ values: [Double]) -> String {
            inputError { _ = try OwnIDX(images: Self.idx(type, extents, values), place: "f") }
        }
        #expect(message(.ubyte, [1, 6], [Double](repeating: 0, count: 6)).contains("images.reshape(-1, H, W)"))
        #expect(message(.ubyte, [1, 8, 8, 5], [Double](repeating: 0, count: 320)).contains("at most 4 channels"))
        #expect(message(.ubyte, [2], [0, 1]).contains("are images and labels exchanged?"))
        #expect(message(.float32, [1, 1, 2], [-1, 1]).contains("received numbers from -1.0 to 1.0"))
        #expect(message(.float32, [1, 1, 2], [0.5, 200]).contains("received fractions up to 200.0"))
        #expect(message(.int32, [1, 1, 2], [0, 256]).contains("received numbers from 0.0 to 256.0"))
        #expect(message(.float64, [1, 1, 2], [0, .infinity]).contains("expected finite pixels"))
    }

    @Test func floatsInTheUnitInterval() throws {
        let values = (0...255).map { Double($0) / 255 }
        for type in [IDX.ElementType.float32, .float64] {
            let own = try OwnIDX(images: Self.idx(type, [1, 16, 16], values), place: "f")
            #expect(own.array.bytes == (0...255).map { UInt8($0) })
            #expect(own.note == "pixels in [0, 1] are read as 255 steps")
        }
    }

    @Test func damagedFiles() throws {
        let whole = Self.file(.float32, [2, 2, 2], [0, 1, 2, 3, 4, 5, 6, 7])
        for length in 0..<whole.count {
            #expect(!inputError { _ = try IDX.parseAny(Array(whole.prefix(length)), place: "f") }.isEmpty)
        }
        #expect(inputError { _ = try IDX.parseAny(whole + [0], place: "f") }.contains("trailing bytes"))
        for type: UInt8 in [0x0A, 0x0F, 0] {
            #expect(
                inputError { _ = try IDX.parseAny([0, 0, type, 1, 0, 0, 0, 1, 0], place: "f") }.contains("magic 0x0000")
            )
        }
        #expect(inputError { _ = try IDX.parseAny([0, 0, 8, 5], place: "f") }.contains("magic 0x00000805"))
    }

    @Test func aWholeSetByPath() throws {
        let folder = try TemporaryFolder()
        // Two rows and two columns: an exchange shows.
        let images = [1.0, 2, 3, 4, 5, 6, 7, 8]
        try folder.write(Self.file(.float32, [2, 4], images), "i")
        try folder.write(Self.file(.int32, [2], [0, 1]), "l")
        func path(_ name: String) -> String { folder.path + "/" + name }
        var options = DataOptions()
        options.validationFraction = 0
        for transposed in [false, true] {
            options.files = IDXFiles(
                trainImages: path("i"), trainLabels: path("l"), testImages: path("i"), testLabels: path("l"),
                transposed: transposed)
            let data = try DatasetLoader.load(options, seed: 1)
            let expected: [UInt8] = transposed ? [1, 3, 2, 4, 5, 7, 6, 8] : [1, 2, 3, 4, 5, 6, 7, 8]
            #expect(data.train.images == expected && data.train.labels == [0, 1])
            #expect(try data.loadTest().images.images == expected)
            #expect(data.notes.count == 1 && data.notes[0].contains("read as images of 2×2"))
            let named = try DatasetLoader.test(
                images: path("i"), labels: path("l"), classNames: ["a", "b"], transposed: transposed)
            #expect(named.images.images == expected)
            #expect(
                data.train.transposed?.images == (transposed ? [1, 2, 3, 4, 5, 6, 7, 8] : [1, 3, 2, 4, 5, 7, 6, 8]))
        }
        // The digest is of the file as it lies there.
        let digest = try Digest.hex(Self.file(.int32, [2], [0, 1]))
        #expect(try DatasetLoader.load(options, seed: 1).digests[path("l")] == digest)
    }
}
