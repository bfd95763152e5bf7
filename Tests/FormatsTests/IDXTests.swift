import Tensors
import TestSupport
import Testing

@testable import Formats

@Suite struct IDXTests {
    let images = IDX(extents: [2, 3, 4], bytes: (0..<24).map { UInt8($0) })

    @Test func layoutOfAFile() throws {
        #expect(images.fileBytes == [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4] + (0..<24).map { UInt8($0) })
        #expect(try IDX.parse(images.fileBytes, .images, place: "p") == images)
        #expect(try IDX.parse(Gzip.compress(images.fileBytes), .images, place: "p") == images)
        let labels = IDX(extents: [3], bytes: [1, 2, 3])
        #expect(try IDX.parse([0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3], .labels, place: "p") == labels)
    }

    static let faults: [(String, [UInt8], IDX.Kind, String)] = [
        ("empty", [], .images, "received an empty file"),
        ("short magic", [0, 0, 8], .images, "3 bytes: truncated"),
        ("text", Array("hello there".utf8), .images, "magic 0x68656C6C"),
        ("little-endian magic", [3, 8, 0, 0, 0], .images, "magic 0x03080000"),
        ("signed bytes", [0, 0, 9, 1, 0, 0, 0, 1, 0], .labels, "magic 0x00000901"),
        ("integers for bytes", [0, 0, 12, 1, 0, 0, 0, 1, 0, 0, 0, 0], .labels, "magic 0x00000C01"),
        ("labels for images", [0, 0, 8, 1, 0, 0, 0, 1, 0], .images, "received rank 1"),
        ("images for labels", [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0], .labels, "received rank 3"),
        ("rank 255", [0, 0, 8, 255], .images, "received rank 255"),
        ("short header", [0, 0, 8, 3, 0, 0, 0, 1, 0, 0], .images, "received 10: truncated"),
        ("no images", [0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1], .images, "a zero extent"),
        ("no width", [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0], .images, "a zero extent"),
        ("too many", [0, 0, 8, 1, 255, 255, 255, 255], .labels, "extent 0 of at most 100000000"),
        ("too tall", [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 16, 1, 0, 0, 0, 1], .images, "extent 1 of at most 4096"),
        ("over any memory", [0, 0, 8, 3, 5, 245, 225, 0, 0, 0, 16, 0, 0, 0, 16, 0], .images, "at most 8589934592"),
        ("1 GiB claimed", [0, 0, 8, 3, 0, 0, 16, 0, 0, 0, 2, 0, 0, 0, 2, 0, 7], .images, "at most 1: truncated"),
        ("truncated", [0, 0, 8, 1, 0, 0, 0, 3, 1, 2], .labels, "received at most 2: truncated"),
        ("trailing", [0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3, 4], .labels, "trailing bytes"),
        ("seven columns", [0, 0, 12, 2, 0, 0, 0, 1, 0, 0, 0, 7], .extendedLabels, "expected 8 columns"),
    ]

    @Test(arguments: faults) func eachFaultHasItsOwnMessage(
        _ name: String, _ bytes: [UInt8], _ kind: IDX.Kind, _ expected: String
    ) throws {
        let message = inputError { _ = try IDX.parse(bytes, kind, place: "some/file") }
        #expect(message.hasPrefix("some/file: "))
        #expect(message.contains(expected), "\(name): \(message)")
    }

    @Test func faultsBehindGzip() throws {
        let bytes = images.fileBytes
        func message(_ plain: [UInt8]) throws -> String {
            let packed = try Gzip.compress(plain)
            return inputError { _ = try IDX.parse(packed, .images, place: "p") }
        }
        #expect(try message(bytes.dropLast(1)).contains("received 23: truncated"))
        #expect(try message(bytes + [0]).contains("trailing bytes"))
        // 1 GiB claimed behind 60 bytes of gzip: refused before it is allocated.
        #expect(try message([0, 0, 8, 3, 0, 0, 16, 0, 0, 0, 2, 0, 0, 0, 2, 0, 7]).contains("received at most"))
        let twoMembers = try Gzip.compress(Array(bytes.prefix(20))) + Gzip.compress(Array(bytes.dropFirst(20)))
        #expect(try IDX.parse(twoMembers, .images, place: "p") == images)
    }

    @Test(arguments: [false, true]) func everyTruncationIsAnInputError(gzip: Bool) throws {
        let bytes = gzip ? try Gzip.compress(images.fileBytes) : images.fileBytes
        for length in 0..<bytes.count {
            let message = inputError { _ = try IDX.parse(Array(bytes.prefix(length)), .images, place: "p") }
            // One byte of gzip cannot be told from a plain file.
            #expect(message.contains("truncated") || length < 2, "\(length) bytes: \(message)")
        }
    }

    @Test(arguments: [false, true]) func everyDamagedByteIsAnInputErrorOrASoundFile(gzip: Bool) throws {
        let bytes = gzip ? try Gzip.compress(images.fileBytes) : images.fileBytes
        var sound = 0, errors = 0
        for index in bytes.indices {
            for flip: UInt8 in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
                var damaged = bytes
                damaged[index] ^= flip
                do {
                    let array = try IDX.parse(damaged, .images, place: "p")
                    #expect(array.bytes.count == array.extents.reduce(1, *))
                    // Behind gzip a CRC-32 guards every byte of the array.
                    if gzip { #expect(array == images) }
                    sound += 1
                } catch {
                    // Typed: an InputError.
                    #expect(error.place == "p")
                    errors += 1
                }
            }
        }
        #expect(sound > 0 && errors > 0)
        if !gzip { #expect(sound == 24 * 9, "only pixels may change unnoticed") }
    }

    @Test func filesThatAreNone() throws {
        let folder = try TemporaryFolder()
        #expect(inputError { _ = try IDX.read(folder.path, .images) }.contains("a folder or a special file"))
        #expect(inputError { _ = try IDX.read(folder.path + "/absent", .images) }.contains("nothing there"))
        #expect(inputError { _ = try IDX.read("/dev/zero", .images) }.contains("a folder or a special file"))
        let path = try folder.write(images.fileBytes, "named.gz")
        #expect(try IDX.read(path, .images) == images, "gzip is told by content")
    }
}
