import CTurboJPEG
import Tensors

/// A JPEG decoder based on libjpeg-turbo's interface without setjmp, and the only file that passes pointers to it.
enum JPEGDecoder {
    /// The maximum compression: a Huffman-coded block of 8×8 pixels takes at least one bit.
    private static let pixelsPerByte = 512

    /// Decodes the luminance of a baseline or progressive JPEG, or its red, green and blue. Printing colours (CMYK) become
    /// red, green and blue, without a profile.
    static func decode(
        _ file: [UInt8], isColour: Bool, place: String, limits: ImageLimits, note: (String) -> Void
    ) throws(InputError) -> DecodedPicture {
        let segments = JPEGSegments(file)
        let bytes = segments.bytes
        let handle = try Handle(place: place)
        let header = try handle.header(bytes, place: place)
        try limits.check(width: header.width, height: header.height, place: place)
        guard header.width * header.height <= pixelsPerByte * bytes.count else {
            throw InputError(
                place, expected: "\(header.width)×\(header.height) pixels",
                received: "\(bytes.count) bytes, too few to hold them")
        }
        var (picture, remark) = try handle.picture(bytes, header, isColour: isColour, place: place)
        (segments.notes + [remark].compactMap { $0 }).forEach(note)
        picture.orientation = EXIF.orientation(ofJPEG: bytes)
        return picture
    }

    private struct Header {
        var width: Int
        var height: Int
        var isCMYK: Bool
    }

    /// A decompressor handle, freed on deallocation.
    private final class Handle {
        private let handle: tjhandle

        init(place: String) throws(InputError) {
            guard let handle = tjInitDecompress() else {
                throw InputError(place, expected: "memory for a decoder", received: "none")
            }
            self.handle = handle
        }

        deinit { tjDestroy(handle) }

        func header(_ bytes: [UInt8], place: String) throws(InputError) -> Header {
            var width: Int32 = 0, height: Int32 = 0, subsampling: Int32 = 0, space: Int32 = 0
            let code = bytes.withUnsafeBufferPointer {
                tjDecompressHeader3(
                    handle, $0.baseAddress, UInt(bytes.count), &width, &height, &subsampling, &space)
            }
            guard code == 0 else { throw failure(place) }
            let isCMYK = space == Int32(TJCS_CMYK.rawValue) || space == Int32(TJCS_YCCK.rawValue)
            return Header(width: Int(width), height: Int(height), isCMYK: isCMYK)
        }

        /// Decodes the picture. A warning, for instance about data that ends early, counts as damage, and so do more
        /// than 500 progressive scans. Extraneous bytes before the end marker, however, are only found once all pixels
        /// are decoded: the picture is then returned with a remark.
        func picture(
            _ bytes: [UInt8], _ header: Header, isColour: Bool, place: String
        ) throws(InputError) -> (DecodedPicture, remark: String?) {
            if let picture = samples(bytes, header, isColour, flags: TJFLAG_STOPONWARNING) { return (picture, nil) }
            let failure = failure(place)
            guard message.hasSuffix("extraneous bytes before marker 0xd9"),
                let picture = samples(bytes, header, isColour, flags: 0) ?? (isWarning ? last : nil)
            else { throw failure }
            return (picture, message.replacing("Corrupt JPEG data: ", with: "the JPEG has "))
        }

        private var last: DecodedPicture?

        /// Returns nil if the decoder failed or warned; ``last`` then holds the pixels decoded so far.
        private func samples(_ bytes: [UInt8], _ header: Header, _ isColour: Bool, flags: Int32) -> DecodedPicture? {
            let channels = header.isCMYK ? 4 : isColour ? 3 : 1
            let format = header.isCMYK ? TJPF_CMYK : isColour ? TJPF_RGB : TJPF_GRAY
            var samples = [UInt8](repeating: 0, count: header.width * header.height * channels)
            let code = bytes.withUnsafeBufferPointer { source in
                samples.withUnsafeMutableBufferPointer { target in
                    tjDecompress2(
                        handle, source.baseAddress, UInt(source.count), target.baseAddress, Int32(header.width),
                        Int32(header.width * channels), Int32(header.height), Int32(format.rawValue),
                        TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS | flags)
                }
            }
            if header.isCMYK { samples = Self.lights(samples) }
            let picture = DecodedPicture(
                width: header.width, height: header.height, channels: header.isCMYK ? 3 : channels, samples: samples)
            last = picture
            return code == 0 ? picture : nil
        }

        /// Returns red, green and blue from printing colours, which JPEGs store as Adobe does: 255 is no ink.
        private static func lights(_ inks: [UInt8]) -> [UInt8] {
            var result: [UInt8] = []
            result.reserveCapacity(inks.count / 4 * 3)
            for first in stride(from: 0, to: inks.count, by: 4) {
                let black = Int(inks[first + 3])
                for ink in 0..<3 { result.append(UInt8((Int(inks[first + ink]) * black + 127) / 255)) }
            }
            return result
        }

        private var message: String { tjGetErrorStr2(handle).map { String(cString: $0) } ?? "unknown error" }
        private var isWarning: Bool { tjGetErrorCode(handle) == Int32(TJERR_WARNING.rawValue) }

        private func failure(_ place: String) -> InputError {
            InputError(place, expected: "a sound JPEG", received: "a damaged one: \(message)")
        }
    }
}
