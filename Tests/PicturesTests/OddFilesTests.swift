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
        for name in ["gAMA", "iCCP", "sRGB", "eXIf"] {
            let odd = try decode(Array(plain[..<33]) + chunk(name, [0, 1], damaged: true) + Array(plain[33...]))
            #expect(odd.image == image && odd.notes == ["the PNG's chunk \(name) is damaged and was left out"])
        }
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
        for name in ["tRNS", "PLTE", "IDAT", "prVt"] {
            #expect(throws: InputError.self) {
                _ = try decode(Array(plain[..<33]) + chunk(name, [0, 1], damaged: true) + Array(plain[33...]))
            }
        }
    }

    /// As JPEGs have it, with a prefix; as a byte.
    @Test func aPNGsOrientationMayBeWrittenOtherwise() throws {
        let plain = try DecodingFixture.bytes("grey8.png")
        let turned = try decode(plain).image.oriented(6)
        let short = tiff(6, isLong: false, isLittle: true)
        var byte = short
        byte[12] = 1
        for exif in [Array("Exif\0\0".utf8) + short, Array("Exif\0\u{1}".utf8) + short, byte] {
            #expect(try decode(Array(plain[..<33]) + chunk("eXIf", exif) + Array(plain[33...])).image == turned)
        }
    }

    /// Samples of 16 bits, in order and interlaced. libpng's simplified interface has mixed up the latter.
    @Test(arguments: [(0, 1), (4, 2), (2, 3), (6, 4)])
    func interlacingChangesNoPixel(type: Int, channels: Int) throws {
        let (width, height) = (37, 28)
        let samples = (0..<width * height * channels).map { index -> UInt8 in
            // Alpha is 255 or, at every third pixel, 128.
            if channels.isMultiple(of: 2), index % channels == channels - 1 {
                return index / channels % 3 == 0 ? 128 : 255
            }
            return UInt8(index * 7 / channels % 256)
        }
        func file(_ passes: [(x: Int, y: Int, across: Int, down: Int)]) throws -> [UInt8] {
            var rows: [UInt8] = []
            for pass in passes {
                for y in stride(from: pass.y, to: height, by: pass.down) {
                    rows.append(0)
                    for x in stride(from: pass.x, to: width, by: pass.across) {
                        let first = (y * width + x) * channels
                        rows += samples[first..<(first + channels)].flatMap { [$0, $0] }
                    }
                }
            }
            let header = word(UInt32(width)) + word(UInt32(height)) + [16, UInt8(type), 0, 0, passes.count > 1 ? 1 : 0]
            return PNGDecoder.signature + chunk("IHDR", header) + chunk("IDAT", try Zlib.compress(rows, level: 6))
                + chunk("IEND", [])
        }
        let plain = try decode(file([(0, 0, 1, 1)])).image
        let interlaced = try decode(
            file([
                (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2),
            ])
        ).image
        let differences = zip(plain.pixels, interlaced.pixels).map { abs(Int($0) - Int($1)) }
        #expect(differences.max() ?? 255 <= 1)
    }

    // MARK: - Others

    @Test func whatFollowsThePixelsOfAPNMIsNoted() throws {
        func read(_ text: String) throws -> (pixels: [UInt8], notes: Int) {
            let (image, notes) = try decode(Array(text.utf8))
            return (image.pixels, notes.count)
        }
        let pixels: [UInt8] = [97, 98, 99, 100]
        #expect(try read("P5 2 2 255\nabcd\n") == (pixels, 0))
        #expect(try read("P5 2 2 255\nabcdP5 2 2 255\nabcd") == (pixels, 1))
        // The first picture's first pixel is a #, not a comment.
        #expect(try read("P5 2 2 255\n#bcdP5 2 2 255\nabcd").0 == [35, 98, 99, 100])
        #expect(try read("P5\r\n2 2\r\n255\r\nabcd") == (pixels, 0))
        #expect(try read("P5 2 2 255#c\nabcd") == (pixels, 0))
        #expect(try read("P5 2 2 255\n# c\nabcd") == (pixels, 0))
        #expect(try read("P2 2 2 255\n97 98\n# the second row\n99 100\n# the end\n") == (pixels, 0))
        #expect(try read("P2 2 2 255\n97 98 99 100 7 7 7") == (pixels, 1))
        #expect(try read("P1 2 1\n10\n# end") == ([0, 255], 0))
        #expect(try read("P4\r\n8 1\r\n@") == ([255, 0] + [UInt8](repeating: 255, count: 6), 0))
    }

    @Test func strangersAreCalledByTheirNames() {
        func name(_ text: String) -> String { ForeignPicture(Array(text.utf8)).name }
        for (start, expected) in [
            ("\0\0\0\u{18}ftypheic", "HEIF"), ("\0\0\0\u{18}ftypavif", "AVIF"), ("\0\0\0\u{18}ftypisom", "video"),
            ("\u{FEFF}<?xml version='1.0'?>\n<svg/>", "SVG"), ("<!-- made -->\n<svg/>", "SVG"), ("\n  <svg>", "SVG"),
            ("<!DOCTYPE html><html>", "web page"), ("<?xml version='1.0'?><note/>", "another kind"),
            ("\n%PDF-1.4", "PDF"),
            ("%!PS-Adobe", "PostScript"), ("II+\0", "TIFF"), ("P7\nWIDTH 2", "PAM"), ("Pf\n2 2", "PFM"),
            ("8BPS", "PSD"),
            ("\0\0\u{1}\0", "ICO"), ("\0\0\0\u{C}jP  ", "JPEG 2000"), ("iVBORw0KGgoAAA", "Base64"),
            ("PK\u{3}\u{4}", "zip"),
            ("version https://git-lfs", "Git LFS"), ("hello <svg>", "another kind"),
        ] { #expect(name(start).contains(expected), "\(start)") }
    }

    // MARK: - JPEG

    /// Printing colours, as Pillow reads them.
    @Test func aJPEGInPrintingColoursIsRead() throws {
        let image = try decode(try DecodingFixture.bytes("cmyk.jpg")).image
        let pillows: [UInt8] = [120, 111, 103, 97, 94, 92, 92, 94]
        let row = image.pixels[(4 * image.width)..<(4 * image.width + 8)]
        #expect(zip(row, pillows).allSatisfy { abs(Int($0) - Int($1)) <= 3 }, "\(row)")
    }

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
        for bad in [Array("P1 2 1 1".utf8), Array("P1 2 1 1 2".utf8), Array(raw.dropLast())] {
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
