import Formats
import Tensors

/// The chunks of a PNG file, validated before libpng sees them: libpng skips damaged chunks that are not critical,
/// transparency among them.
///
/// Everything that the pixels depend on must be present with a correct checksum. Chunks that the pixels do not depend on,
/// such as texts and times, are removed, since libpng unpacks every text; a missing end after the pixels is restored, and
/// bytes after the end are dropped; that, and damage, is noted. Damaged chunks that only colours or the orientation depend
/// on are left out with a note, as every viewer does. A chunk of unknown name with a wrong checksum is an error, since it
/// may have been transparency.
struct PNGChunks {
    /// A valid file with the same pixels.
    private(set) var bytes: [UInt8]
    private(set) var notes: [String] = []
    /// The EXIF orientation, 1...8.
    private(set) var orientation = 1

    /// Chunks that do not affect the pixels.
    private static let besides = ["tEXt", "zTXt", "iTXt", "tIME", "pHYs", "hIST", "sPLT", "bKGD"]

    /// Chunks without which colours are those of most files.
    private static let colours = ["gAMA", "cHRM", "sRGB", "iCCP", "sBIT", "cICP", "mDCV", "cLLI", "eXIf"]

    /// - Throws: an `InputError` if something that the pixels depend on is damaged.
    init(_ file: [UInt8], place: String) throws(InputError) {
        func damaged(_ what: String) -> InputError {
            InputError(place, expected: "a sound PNG", received: "a damaged one: \(what)")
        }
        func word(_ offset: Int) -> UInt32 { file[offset..<(offset + 4)].reduce(0) { $0 << 8 | UInt32($1) } }
        bytes = Array(file.prefix(PNGDecoder.signature.count))
        var position = bytes.count
        var hasPixels = false
        while true {
            guard position + 12 <= file.count, Int(word(position)) <= file.count - position - 12 else {
                // Truncated outside of a pixel chunk: libpng determines whether all pixels are present.
                let isPixels =
                    position + 8 <= file.count && file[(position + 4)..<(position + 8)].elementsEqual("IDAT".utf8)
                guard hasPixels, !isPixels else { throw damaged("cut short") }
                bytes += [0, 0, 0, 0] + Array("IEND".utf8) + [0xAE, 0x42, 0x60, 0x82]
                notes.append("the PNG has no end, but all its pixels")
                return
            }
            let end = position + 8 + Int(word(position))
            let name = String(decoding: file[(position + 4)..<(position + 8)], as: UTF8.self)
            let isSound = Zlib.crc32(Array(file[(position + 4)..<end])) == word(end)
            if isSound {
                if !Self.besides.contains(name) { bytes += file[position..<(end + 4)] }
                if name == "eXIf" { orientation = EXIF.orientation(ofTIFF: Array(file[(position + 8)..<end])) }
            } else if (Self.besides + Self.colours).contains(name) {
                notes.append("the PNG's chunk \(name) is damaged and was left out")
            } else {
                throw damaged("the checksum of \(name) is wrong")
            }
            if name == "IDAT" { hasPixels = true }
            if name == "IEND" {
                if end + 4 < file.count { notes.append("\(file.count - end - 4) bytes follow the PNG's end") }
                return
            }
            position = end + 4
        }
    }
}
