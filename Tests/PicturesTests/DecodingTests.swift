import Datasets
import Formats
import Foundation
import Tensors
import Testing

@testable import Pictures

/// Pictures that Pillow made, and the levels it saw in them (`Tests/Oracles/make_images.py`).
struct DecodingFixture: Decodable {
    struct Picture: Decodable {
        var width, height: Int
        /// By how much a level may differ: each rounding in another order is one.
        var slack: Int?
        /// In hexadecimal.
        var levels: String

        var pixels: [UInt8] {
            let digits = Array(levels.utf8)
            func value(_ digit: UInt8) -> UInt8 { digit < 0x3A ? digit - 0x30 : digit - 0x57 }
            return stride(from: 0, to: digits.count, by: 2).map { value(digits[$0]) << 4 | value(digits[$0 + 1]) }
        }
    }

    var madeBy: String
    var pictures: [String: Picture]

    static func url(_ name: String) -> URL {
        Bundle.module.bundleURL.appendingPathComponent("Fixtures/decoding/\(name)")
    }

    static func load(_ name: String = "expected.json") throws -> DecodingFixture {
        try JSONDecoder().decode(DecodingFixture.self, from: Data(contentsOf: url(name)))
    }

    static func bytes(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: url(name))) }
}

@Suite struct DecodingTests {
    @Test func levelsArePillows() throws {
        let fixture = try DecodingFixture.load()
        #expect(fixture.pictures.count == 33)
        for (name, expected) in fixture.pictures {
            let image = try ImageDecoder.decode(DecodingFixture.bytes(name), place: name)
            #expect(image.width == expected.width && image.height == expected.height, "\(name)")
            let difference = zip(image.pixels, expected.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
            #expect(image.pixels.count == expected.pixels.count && difference <= expected.slack ?? 0, "\(name)")
        }
    }

    /// `Tests/Oracles/make_colours.py`.
    @Test func coloursArePillows() throws {
        let fixture = try DecodingFixture.load("colours.json")
        #expect(fixture.pictures.count == 28)
        for (name, expected) in fixture.pictures {
            let image = try ImageDecoder.decodeColour(DecodingFixture.bytes(name), place: name)
            #expect(image.width == expected.width && image.height == expected.height && image.channels == 3, "\(name)")
            let difference = zip(image.pixels, expected.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
            // Pillow weighs alpha by other roundings.
            #expect(image.pixels.count == expected.pixels.count && difference <= 1, "\(name): \(difference)")
        }
    }

    @Test func aFileIsToldByItsBytes() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let misnamed = folder.appendingPathComponent("photo.pgm")
        try FileManager.default.copyItem(at: DecodingFixture.url("grey.jpg"), to: misnamed)
        #expect(try ImageDecoder.read(misnamed.path) == ImageDecoder.read(DecodingFixture.url("grey.jpg").path))
    }

    /// Checksums cover all of a PNG: whatever is cut or damaged is refused.
    @Test(arguments: ["grey1.png", "grey8.png", "palette-transparent.png", "rgba8.png", "interlaced.png"])
    func everyBrokenPNGIsRefused(name: String) throws {
        let bytes = try DecodingFixture.bytes(name)
        let whole = try ImageDecoder.decode(bytes, place: name)
        // The last twelve bytes are the end, which is no pixel's.
        let end = bytes.count - 12
        for cut in 0..<end { expectRefused(Array(bytes[..<cut])) }
        for cut in end..<bytes.count { #expect(try ImageDecoder.decode(Array(bytes[..<cut]), place: name) == whole) }
        for index in bytes.indices {
            for flip in [UInt8(0x01), 0x20, 0x80, 0xFF] {
                var damaged = bytes
                damaged[index] ^= flip
                if index >= end, let image = try? ImageDecoder.decode(damaged, place: "file") {
                    #expect(image == whole)
                } else {
                    expectRefused(damaged)
                }
            }
        }
        // What follows the end is no part of it.
        #expect(try ImageDecoder.decode(bytes + [1, 2, 3], place: name) == ImageDecoder.decode(bytes, place: name))
    }

    private func expectRefused(_ bytes: [UInt8]) {
        let error = #expect(throws: InputError.self) { try ImageDecoder.decode(bytes, place: "file") }
        if let error { expectOneLine(error) }
    }

    /// Past the checksums, libpng itself: chunks that are wrong but carry the right sum.
    @Test(arguments: ["grey2.png", "palette-transparent.png", "rgb16.png", "interlaced.png"])
    func wrongChunksWithRightChecksumsDoNoHarm(name: String) throws {
        let bytes = try DecodingFixture.bytes(name)
        var refused = 0
        for index in 8..<bytes.count {
            for flip in [UInt8(0x01), 0x10, 0xFF] {
                var damaged = bytes
                damaged[index] ^= flip
                do {
                    let image = try ImageDecoder.decode(Self.withChecksums(damaged), place: "file")
                    #expect(image.pixels.count == image.width * image.height)
                } catch {
                    refused += 1
                    expectOneLine(error)
                }
            }
        }
        #expect(refused > 0)
    }

    /// The same chunks, each with the checksum that fits it, as far as their lengths go.
    private static func withChecksums(_ bytes: [UInt8]) -> [UInt8] {
        var result = bytes
        var position = 8
        while position + 12 <= bytes.count {
            let length = bytes[position..<(position + 4)].reduce(0) { $0 << 8 | Int($1) }
            guard length <= bytes.count - position - 12 else { break }
            let sum = Zlib.crc32(Array(bytes[(position + 4)..<(position + 8 + length)]))
            for (offset, shift) in [24, 16, 8, 0].enumerated() {
                result[position + 8 + length + offset] = UInt8(truncatingIfNeeded: sum >> UInt32(shift))
            }
            position += 12 + length
        }
        return result
    }

    private func expectOneLine(_ error: any Error) {
        let line = (error as? InputError).map { "\($0)" } ?? ""
        #expect(line.hasPrefix("file: expected ") && !line.contains("\n"))
    }

    /// A JPEG has no checksums: damage may go unnoticed, but never further than a picture of legal size.
    @Test(arguments: ["grey.jpg", "rgb-420.jpg", "progressive.jpg", "orientation-6.jpg", "cmyk.jpg"])
    func noBrokenJPEGDoesHarm(name: String) throws {
        let bytes = try DecodingFixture.bytes(name)
        let whole = try? ImageDecoder.decode(bytes, place: name)
        for end in 0..<bytes.count {
            // Without its end marker a picture may be whole; nothing is ever read in part.
            let image = try? ImageDecoder.decode(Array(bytes[..<end]), place: "file")
            #expect(image == nil || (image == whole && end + 4 >= bytes.count), "cut to \(end)")
        }
        for index in bytes.indices {
            for flip in [UInt8(0x01), 0x80, 0xFF] {
                var damaged = bytes
                damaged[index] ^= flip
                do {
                    let image = try ImageDecoder.decode(damaged, place: "file")
                    #expect(image.pixels.count == image.width * image.height)
                } catch {
                    expectOneLine(error)
                }
            }
        }
    }

    @Test(arguments: ["raw.pgm", "raw.ppm", "plain.pgm", "raw16.pgm"])
    func noBrokenPNMDoesHarm(name: String) throws {
        let bytes = try DecodingFixture.bytes(name)
        let whole = try ImageDecoder.decode(bytes, place: name)
        for end in 0..<bytes.count {
            let cut = Array(bytes[..<end])
            // Of a plain file the line break at the end may go, and the last digit.
            if name.hasPrefix("plain"), end >= bytes.count - 3 { continue }
            #expect(throws: InputError.self, "cut to \(end)") { try ImageDecoder.decode(cut, place: "file") }
        }
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 0xFF
            do {
                let image = try ImageDecoder.decode(damaged, place: "file")
                #expect(image.width == whole.width && image.height == whole.height)
            } catch {
                expectOneLine(error)
            }
        }
    }

    /// What is refused, and the words for it.
    @Test func refusalsSayWhy() {
        func refusal(_ bytes: [UInt8], _ limits: ImageLimits = ImageLimits()) -> String {
            do {
                _ = try ImageDecoder.decode(bytes, place: "x", limits: limits)
                return "read"
            } catch { return "\(error)" }
        }
        #expect(refusal([]).contains("an empty file"))
        #expect(refusal(Array("GIF89a".utf8)).contains("a GIF picture"))
        #expect(refusal(Array("II*\0abcd".utf8)).contains("a TIFF picture"))
        #expect(refusal(Array("hello, world".utf8)).contains("another kind"))
        #expect(refusal(Array("P5 70000 1 255\n".utf8)).contains("65536 columns"))
        #expect(refusal(Array("P5 60000 60000 255\n".utf8)).contains("67108864 pixels"))
        #expect(refusal(Array("P5 2 2 255\nabc".utf8)).contains("3: cut"))
        #expect(refusal(Array("P5 2 2 0\n".utf8)).contains("largest value"))
        #expect(refusal(Array("P5 2 2 65536\n".utf8)).contains("largest value"))
        #expect(refusal(Array("P2 2 1 9\n9 10".utf8)).contains("values up to 9"))
        #expect(refusal(Array("P2 2 1 9\n9 x".utf8)).contains("the byte 120 at 11"))
        #expect(refusal(Array("P5 -2 1 9\n9 x".utf8)).contains("a width"))
        #expect(refusal(Array("P5 0 1 9\n".utf8)).contains("0×1"))
        #expect(refusal(Array("P2 8000 8000 9\n1 2 3".utf8)).contains("too few"))
        #expect(refusal(Array("P2 1 1 99999999999\n1".utf8)).contains("a largest value"))
        var limits = ImageLimits()
        limits.fileBytes = 3
        #expect(refusal(Array("P2 1 1 9\n1".utf8), limits).contains("at most 3 bytes"))
    }

    /// Headers that promise more pixels than their bytes can hold are refused before memory is taken for them.
    @Test func claimsAreHeldAgainstTheFile() throws {
        var png = try DecodingFixture.bytes("grey8.png")
        // 8,000 × 8,000; the checksum would be found wrong later.
        png.replaceSubrange(16..<24, with: [0, 0, 0x1F, 0x40, 0, 0, 0x1F, 0x40])
        var error = #expect(throws: InputError.self) { try ImageDecoder.decode(png, place: "x") }
        #expect(error?.received.contains("too few") == true)
        var jpeg = try DecodingFixture.bytes("grey.jpg")
        let frame = try #require(jpeg.indices.dropLast(9).first { jpeg[$0] == 0xFF && jpeg[$0 + 1] == 0xC0 })
        jpeg.replaceSubrange((frame + 5)..<(frame + 9), with: [0x1F, 0x40, 0x1F, 0x40])
        error = #expect(throws: InputError.self) { try ImageDecoder.decode(jpeg, place: "x") }
        #expect(error?.received.contains("too few") == true)
    }

    @Test func damagedEXIFIsAsIfItWereNotThere() throws {
        let bytes = try DecodingFixture.bytes("orientation-6.jpg")
        let start = try #require(bytes.indices.dropLast(6).first { bytes[$0...].starts(with: "Exif".utf8) })
        #expect(EXIF.orientation(ofJPEG: bytes) == 6)
        var seen: Set<Int> = []
        for index in start..<min(start + 40, bytes.count) {
            for value in [UInt8(0), 0xFF] {
                var damaged = bytes
                damaged[index] = value
                seen.insert(EXIF.orientation(ofJPEG: damaged))
            }
        }
        #expect(seen.isSubset(of: Set(1...8)) && seen.contains(1))
    }
}
