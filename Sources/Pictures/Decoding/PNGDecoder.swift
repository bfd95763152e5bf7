import CPNG
import Formats
import Foundation
import Tensors

/// A PNG decoder based on libpng's simplified interface, and the only file that passes pointers to libpng.
enum PNGDecoder {
    static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    /// The maximum compression ratio of Deflate (zlib's technical details).
    private static let deflateRatio = 1_032

    /// Decodes a PNG of any colour type and depth, interlaced or not. Gamma is sRGB's unless the file specifies
    /// another.
    static func decode(
        _ bytes: [UInt8], place: String, limits: ImageLimits, note: (String) -> Void
    ) throws(InputError) -> DecodedPicture {
        try checkHeader(bytes, place: place, limits: limits)
        let file = try PNGChunks(bytes, place: place)
        switch samples(of: file.bytes) {
        case .success(var picture):
            file.notes.forEach(note)
            picture.orientation = file.orientation
            return picture
        case .failure(let failure):
            throw InputError(place, expected: "a sound PNG", received: "a damaged one: \(failure.message)")
        }
    }

    /// Checks, before libpng sees the file, that the size is within limits and that the bytes can contain that many
    /// pixels.
    private static func checkHeader(_ bytes: [UInt8], place: String, limits: ImageLimits) throws(InputError) {
        guard bytes.count >= 33, bytes[12..<16].elementsEqual("IHDR".utf8) else {
            throw InputError(place, expected: "a PNG that begins with its header", received: "a damaged or cut one")
        }
        func word(_ offset: Int) -> Int { bytes[offset..<(offset + 4)].reduce(0) { $0 << 8 | Int($1) } }
        let (width, height) = (word(16), word(20))
        try limits.check(width: width, height: height, place: place)
        let samples = [0: 1, 2: 3, 3: 1, 4: 2, 6: 4][Int(bytes[25])] ?? 1
        let rowBytes = (width * samples * max(Int(bytes[24]), 1) + 7) / 8
        guard rowBytes * height <= deflateRatio * bytes.count else {
            throw InputError(
                place, expected: "\(width)×\(height) pixels", received: "\(bytes.count) bytes, too few to hold them")
        }
    }

    private struct Failure: Error {
        var message: String

        init(_ image: png_image) {
            message = withUnsafeBytes(of: image.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        }
    }

    /// Returns 8-bit samples of the file's own channels. libpng keeps pointers to `image` and `bytes` between the two
    /// calls.
    private static func samples(of bytes: [UInt8]) -> Result<DecodedPicture, Failure> {
        var image = png_image()
        image.version = png_uint_32(PNG_IMAGE_VERSION)
        return withUnsafeMutablePointer(to: &image) { image in
            defer { png_image_free(image) }
            return bytes.withUnsafeBytes { source in
                guard png_image_begin_read_from_memory(image, source.baseAddress, source.count) != 0 else {
                    return .failure(Failure(image.pointee))
                }
                image.pointee.format &= PNG_FORMAT_FLAG_COLOR | PNG_FORMAT_FLAG_ALPHA
                image.pointee.flags |= png_uint_32(PNG_IMAGE_FLAG_16BIT_sRGB)
                // libpng 1.6.39's simplified reader reduces interlaced 16-bit samples to 8 bits wrongly.
                let isWide = bytes[24] == 16 && bytes[28] != 0
                if isWide { image.pointee.format |= PNG_FORMAT_FLAG_LINEAR }
                let hasColor = image.pointee.format & PNG_FORMAT_FLAG_COLOR != 0
                let hasAlpha = image.pointee.format & PNG_FORMAT_FLAG_ALPHA != 0
                var picture = DecodedPicture(
                    width: Int(image.pointee.width), height: Int(image.pointee.height),
                    channels: (hasColor ? 3 : 1) + (hasAlpha ? 1 : 0), samples: [])
                let stride = picture.width * picture.channels
                if isWide {
                    var linear = [UInt16](repeating: 0, count: stride * picture.height)
                    let code = linear.withUnsafeMutableBytes {
                        png_image_finish_read(image, nil, $0.baseAddress, png_int_32(stride), nil)
                    }
                    picture.samples = LinearSamples.bytes(linear, channels: picture.channels)
                    return code != 0 ? .success(picture) : .failure(Failure(image.pointee))
                }
                picture.samples = [UInt8](repeating: 0, count: stride * picture.height)
                let code = picture.samples.withUnsafeMutableBytes {
                    png_image_finish_read(image, nil, $0.baseAddress, png_int_32(stride), nil)
                }
                return code != 0 ? .success(picture) : .failure(Failure(image.pointee))
            }
        }
    }
}

/// libpng's 16-bit samples: proportional to light, and multiplied by alpha.
private enum LinearSamples {
    /// Returns the samples in sRGB's gamma and 8 bits, not multiplied by alpha.
    static func bytes(_ linear: [UInt16], channels: Int) -> [UInt8] {
        let hasAlpha = channels == 2 || channels == 4
        var levels: [UInt8?] = Array(repeating: nil, count: 65_536)
        func level(_ value: Int) -> UInt8 {
            if let known = levels[value] { return known }
            // libpng takes sRGB for a plain power.
            levels[value] = UInt8((255 * pow(Double(value) / 65_535, 1 / 2.2)).rounded())
            return levels[value] ?? 0
        }
        var result = [UInt8](repeating: 0, count: linear.count)
        for index in linear.indices {
            let alpha = hasAlpha ? Int(linear[index - index % channels + channels - 1]) : 65_535
            if hasAlpha, index % channels == channels - 1 {
                result[index] = UInt8((alpha + 128) / 257)
            } else if alpha > 0 {
                result[index] = level(min((Int(linear[index]) * 65_535 + alpha / 2) / alpha, 65_535))
            }
        }
        return result
    }
}
