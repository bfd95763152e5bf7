import Formats
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Pictures

/// Files that are odd but whole: read, with a note. Files whose pixels are not there: refused.
@Suite struct OddFilesTests {
    private func decode(_ bytes: [UInt8]) throws -> (image: GreyImage, notes: [String]) {
        var notes: [String] = []
        let image = try ImageDecoder.decode(bytes, place: "odd") { notes.append($0) }
        return (image, notes)
    }

    private func word(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }

    private func chunk(_ name: String, _ content: [UInt8], damaged: Bool = false) -> [UInt8] {
        let body = Array(name.utf8) + content
        return word(UInt32(content.count)) + body + word(Zlib.crc32(body) ^ (damaged ? 1 : 0))
    }

    /// A TIFF structure that holds an orientation alone.
    private func tiff(_ orientation: UInt8, isLong: Bool, isLittle: Bool) -> [UInt8] {
        func number(_ value: UInt8, _ size: Int) -> [UInt8] {
            let bytes = [UInt8](repeating: 0, count: size - 1) + [value]
            return isLittle ? bytes.reversed() : bytes
        }
        let value = isLong ? number(orientation, 4) : number(orientation, 2) + [0, 0]
        return Array((isLittle ? "II" : "MM").utf8) + number(42, 2) + number(8, 4) + number(1, 2)
            + (isLittle ? [0x12, 0x01] : [0x01, 0x12]) + number(isLong ? 4 : 3, 2) + number(1, 4) + value + number(0, 4)
    }

    // MARK: - PNG

    @Test(arguments: [true, false], [true, false])
    func aPNGIsTurnedAsItSays(isLong: Bool, isLittle: Bool) throws {
        let plain = try DecodingFixture.bytes("grey8.png")
        let image = try decode(plain).image
        for orientation in 1...8 {
            let exif = chunk("eXIf", tiff(UInt8(orientation), isLong: isLong, isLittle: isLittle))
            let turned = try decode(Array(plain[..<33]) + exif + Array(plain[33...]))
            #expect(turned.image == image.oriented(orientation) && turned.notes.isEmpty)
        }
    }

    @Test func whatAPNGsPixelsDoNotNeedMayBeDamaged() throws {
        let plain = try DecodingFixture.bytes("grey8.png")
        let image = try decode(plain).image
        for name in ["tEXt", "iTXt", "zTXt", "tIME"] {
            let odd = try decode(Array(plain[..<33]) + chunk(name, [1, 2, 3], damaged: true) + Array(plain[33...]))
            #expect(odd.image == image && odd.notes.count == 1, "\(name)")
            // Sound ones are not handed to libpng either, which would unpack every text.
            let sound = Array(plain[..<33]) + chunk(name, [1, 2, 3]) + Array(plain[33...])
            #expect(try PNGChunks(sound, place: "p").bytes == plain && decode(sound).notes.isEmpty, "\(name)")
        }
        // The end cut off byte by byte, and something behind it.
        for cut in 1...12 {
            let odd = try decode(Array(plain.dropLast(cut)))
            #expect(odd.image == image && odd.notes == ["the PNG has no end, but all its pixels"])
        }
        #expect(try decode(plain + [0, 0]).notes == ["2 bytes follow the PNG's end"])
        for cut in 13..<(plain.count - 8) {
            #expect(throws: InputError.self) { _ = try decode(Array(plain.dropLast(cut))) }
        }
        for name in ["tRNS", "gAMA", "eXIf", "PLTE", "prVt"] {
            #expect(throws: InputError.self) {
                _ = try decode(Array(plain[..<33]) + chunk(name, [0, 1], damaged: true) + Array(plain[33...]))
            }
        }
    }

    // MARK: - JPEG

    @Test func aJPEGIsTurnedWhateverStandsBeforeItsEXIF() throws {
        let plain = try DecodingFixture.bytes("orientation-6.jpg")
        let image = try decode(plain).image
        for stray: [UInt8] in [[0xFF], [0xFF, 0xFF, 0xFF]] {
            let odd = try decode(Array(plain[..<2]) + stray + Array(plain[2...]))
            #expect(odd.image == image && odd.notes.isEmpty)
        }
        let comment: [UInt8] = [0xFF, 0xFE, 0, 4, 1, 2]
        #expect(try decode(Array(plain[..<2]) + comment + Array(plain[2...])).image == image)
    }

    @Test func warningsOfAJPEGAreNoDamage() throws {
        for name in ["grey.jpg", "rgb-420.jpg"] {
            let plain = try DecodingFixture.bytes(name)
            let image = try decode(plain).image
            #expect(plain.suffix(2) == [0xFF, 0xD9])
            let noEnd = try decode(Array(plain.dropLast(2)))
            #expect(noEnd.image == image && noEnd.notes == ["the JPEG has no end marker, but all its pixels"])
            let first = 4 + Int(plain[4]) << 8 + Int(plain[5])
            let stray = try decode(Array(plain[..<first]) + [7, 7, 7] + Array(plain[first...]))
            #expect(stray.image == image && stray.notes.count == 1)
            // Too many bytes at the end of the last scan.
            let extra = try decode(Array(plain.dropLast(2)) + [UInt8](repeating: 0x55, count: 40) + [0xFF, 0xD9])
            #expect(extra.image == image && extra.notes.count == 1, "\(extra.notes)")
            if let jfif = plain.firstIndex(of: 0x4A), plain[jfif..<(jfif + 4)].elementsEqual("JFIF".utf8) {
                var revised = plain
                revised[jfif + 5] = 2
                let odd = try decode(revised)
                #expect(odd.image == image && odd.notes.count == 1)
            }
        }
    }

    @Test func aJPEGWithoutAllItsPixelsIsRefused() throws {
        // Of a progressive one, whole scans may be missing: it needs its end.
        let progressive = try DecodingFixture.bytes("progressive.jpg")
        #expect(throws: InputError.self) { _ = try decode(Array(progressive.dropLast(2))) }
        for name in ["grey.jpg", "rgb-420.jpg"] {
            let plain = try DecodingFixture.bytes(name)
            for cut in stride(from: 12, to: plain.count / 2, by: 7) {
                #expect(throws: InputError.self, "\(name) less \(cut)") { _ = try decode(Array(plain.dropLast(cut))) }
                #expect(throws: InputError.self, "\(name) less \(cut), with an end") {
                    _ = try decode(Array(plain.dropLast(cut)) + [0xFF, 0xD9])
                }
            }
        }
    }

    // MARK: - Transparency, bitmaps

    @Test func lightInkOnTransparencyIsSeen() {
        // A stroke of each ink over nothing; what shows it.
        let inks: [(ink: [UInt8], stroke: UInt8, paper: UInt8)] = [
            ([255, 250, 240], 250, 0), ([255, 255, 255], 255, 0), ([0, 0, 0], 0, 255), ([200, 30, 30], 81, 255),
        ]
        for (ink, stroke, paper) in inks {
            let samples = [0, 0, 0, 0] + ink + [255] + [0, 0, 0, 0]
            let image = GreyImage(width: 3, height: 1, samples: samples, channels: 4)
            #expect(image.pixels == [paper, stroke, paper], "\(ink): \(image.pixels)")
        }
        // Ink of the very colour that hides beneath transparency, in grey: neither paper shows it where it is half there.
        let faint = GreyImage(width: 2, height: 1, samples: [255, 0, 255, 255], channels: 2)
        #expect(faint.pixels == [0, 255])
        // White and opaque is a white picture.
        #expect(GreyImage(width: 2, height: 1, samples: [255, 255, 250, 255], channels: 2).pixels == [255, 250])
    }

    @Test func bitmapsAreRead() throws {
        let expected = GreyImage(
            width: 9, height: 2,
            pixels: [0, 255, 0, 255, 255, 255, 255, 255, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255])
        for text in [
            "P1\n9 2\n101000001\n000000000\n", "P1 9 2 1 0 1 0 0 0 0 0 1 0 0 0 0 0 0 0 0 0",
            "P1#c\n9 #d\n2\n1010000 01000000000",
        ] {
            #expect(try decode(Array(text.utf8)).image == expected, "\(text)")
        }
        let raw = Array("P4\n# a comment\n9 2\n".utf8) + [0b1010_0000, 0b1000_0000, 0, 0]
        #expect(try decode(raw).image == expected)
        for bad in [
            Array("P1 2 1 1".utf8), Array("P1 2 1 1 2".utf8), Array("P1 2 1 1 0 0".utf8), Array(raw.dropLast()),
            raw + [0],
        ] {
            #expect(throws: InputError.self) { _ = try decode(bad) }
        }
    }

    // MARK: - Folders

    @Test func foldersAreReadInOrder() throws {
        let folder = try TemporaryFolder()
        for name in ["10.png", "2.PNG", "1.jpg", "Thumbs.db", ".DS_Store", "sub/3.png"] { try folder.write([1], name) }
        var notes: [String] = []
        let files = try PictureFiles.expanded(["x.png", folder.path, "-"]) { notes.append($0) }
        #expect(files == ["x.png"] + ["1.jpg", "2.PNG", "10.png"].map { folder.path + "/" + $0 } + ["-"])
        #expect(notes.count == 1 && notes[0].contains("Thumbs.db") && notes[0].contains("sub"))
        let empty = try TemporaryFolder()
        #expect(inputError { _ = try PictureFiles.expanded([empty.path]) { _ in } }.contains("an empty folder"))
        #expect(
            PictureFiles.distinctNames(["a/1.png", "b/1.png", "a/1.jpg", "2.png", "-", "2.png"])
                == ["a_1.png", "b_1.png", "1.jpg", "2.png", "standard-input", "2.png-2"])
    }
}
