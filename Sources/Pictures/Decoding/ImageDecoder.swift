import Formats
import Foundation
import Synchronization
import Tensors

/// Limits on the size of a picture, checked before it is decoded.
package struct ImageLimits: Sendable {
    /// The maximum file size in bytes.
    package var fileBytes = 1 << 26
    /// The maximum number of pixels, columns times rows.
    package var pixels = 1 << 26
    /// The maximum number of columns and of rows.
    package var extent = 1 << 16
    /// What several pictures may have together; nil if each is on its own.
    package var budget: PixelBudget?

    package init() {}

    /// - Throws: an `InputError` if a picture of this size exceeds the limits.
    func check(width: Int, height: Int, place: String) throws(InputError) {
        guard width > 0, height > 0 else {
            throw InputError(place, expected: "a picture with pixels", received: "\(width)×\(height)")
        }
        guard width <= extent, height <= extent, width * height <= pixels else {
            throw InputError(
                place, expected: "at most \(extent) columns and rows and \(pixels) pixels",
                received: "\(width)×\(height)", remedy: "make the picture smaller or cut it")
        }
        guard budget?.take(width * height) ?? true else {
            throw InputError(
                place, expected: "at most \(pixels) pixels in all pictures together", received: "more",
                remedy: "send fewer at a time")
        }
    }
}

/// Pixels that several pictures may have together. Those of a picture count from its header on, whether it can be read
/// or not.
package final class PixelBudget: Sendable {
    private let rest: Mutex<Int>

    package init(_ pixels: Int) { rest = Mutex(pixels) }

    /// Takes as many pixels if they are left.
    func take(_ pixels: Int) -> Bool {
        rest.withLock { rest in
            guard pixels <= rest else { return false }
            rest -= pixels
            return true
        }
    }
}

/// A decoder of picture files: PNG, JPEG, PBM, PGM and PPM, recognized by their bytes, not their names.
///
/// Any input yields a picture or a one-line ``InputError``. Colours are converted to BT.601 luma unless they are asked
/// for, transparency is composited over white (over black if white shows nothing), 16-bit samples are rounded to 8,
/// palettes are resolved,
/// and a PNG or JPEG is rotated according to its EXIF orientation. A file whose pixels are damaged or missing is
/// rejected rather than decoded in part; other irregularities, such as a damaged text, are reported as notes.
package enum ImageDecoder {
    enum Format: String, CaseIterable {
        case png = "PNG", jpeg = "JPEG", pnm = "PBM, PGM or PPM"
    }

    /// Decodes the picture in `bytes`.
    /// - Parameters:
    ///   - place: names the file in messages.
    ///   - note: is called with irregularities of a file whose pixels are valid.
    package static func decode(
        _ bytes: [UInt8], place: String, limits: ImageLimits = ImageLimits(), note: (String) -> Void = { _ in }
    ) throws(InputError) -> GreyImage {
        try picture(bytes, isColour: false, place: place, limits: limits, note: note).grey
    }

    /// Decodes the picture in `bytes` in red, green and blue. A grey picture has three equal planes.
    package static func decodeColour(
        _ bytes: [UInt8], place: String, limits: ImageLimits = ImageLimits(), note: (String) -> Void = { _ in }
    ) throws(InputError) -> ColourImage {
        try picture(bytes, isColour: true, place: place, limits: limits, note: note).colours
    }

    private static func picture(
        _ bytes: [UInt8], isColour: Bool, place: String, limits: ImageLimits, note: (String) -> Void
    ) throws(InputError) -> DecodedPicture {
        guard bytes.count <= limits.fileBytes else { throw tooLong(place, limits) }
        switch format(bytes) {
        case .png: return try PNGDecoder.decode(bytes, place: place, limits: limits, note: note)
        case .jpeg:
            return try JPEGDecoder.decode(bytes, isColour: isColour, place: place, limits: limits, note: note)
        case .pnm: return try PNMDecoder.decode(bytes, place: place, limits: limits, note: note)
        case nil:
            let stranger = ForeignPicture(bytes)
            throw InputError(
                place, expected: "a picture: PNG, JPEG, PBM, PGM or PPM", received: stranger.name,
                remedy: stranger.remedy)
        }
    }

    /// Decodes the picture in the file at `path`.
    package static func read(
        _ path: String, limits: ImageLimits = ImageLimits(), note: (String) -> Void = { _ in }
    ) throws(InputError) -> GreyImage {
        try decode(try contents(path, limits), place: path, limits: limits, note: note)
    }

    /// Decodes the picture in the file at `path` in red, green and blue.
    package static func readColour(
        _ path: String, limits: ImageLimits = ImageLimits(), note: (String) -> Void = { _ in }
    ) throws(InputError) -> ColourImage {
        try decodeColour(try contents(path, limits), place: path, limits: limits, note: note)
    }

    /// Returns the bytes of the file at `path`.
    package static func contents(
        _ path: String, _ limits: ImageLimits = ImageLimits()
    ) throws(InputError) -> [UInt8] {
        let file = try BinaryFile(path)
        guard file.size <= limits.fileBytes else { throw tooLong(path, limits) }
        return try file.read(exactly: file.size)
    }

    private static func tooLong(_ place: String, _ limits: ImageLimits) -> InputError {
        InputError(place, expected: "a file of at most \(limits.fileBytes) bytes", received: "a longer one")
    }

    static func format(_ bytes: [UInt8]) -> Format? {
        if bytes.starts(with: PNGDecoder.signature) { return .png }
        if bytes.starts(with: [0xFF, 0xD8, 0xFF]) { return .jpeg }
        if bytes.count > 2, bytes[0] == 0x50, (0x31...0x36).contains(bytes[1]) { return .pnm }
        return nil
    }
}
