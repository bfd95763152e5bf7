import Formats
import Foundation
import Tensors

/// A picture of 8-bit samples, encoded as a PNG file (ISO/IEC 15948) without interlacing. Equal pictures give equal
/// bytes.
package struct PNG: Hashable, Sendable {
    /// The samples of a pixel.
    package enum Colour: Int, Sendable {
        /// One sample, 0 black to 255 white.
        case grey = 1
        /// Red, green, blue.
        case rgb = 3

        /// The colour type in the file's header.
        fileprivate var code: UInt8 { self == .grey ? 0 : 2 }
    }

    package let width: Int
    package let height: Int
    package let colour: Colour
    /// The samples, `[height, width, 1 or 3]` in row-major order.
    package let pixels: [UInt8]

    /// - Precondition: `width` and `height` in 1…65,536, and `pixels` has height · width · samples elements.
    package init(width: Int, height: Int, colour: Colour, pixels: [UInt8]) {
        precondition(
            (1...65_536).contains(width) && (1...65_536).contains(height),
            "PNG: expected 1 to 65,536 columns and rows, received \(width)×\(height)")
        precondition(
            pixels.count == width * height * colour.rawValue,
            "PNG: expected \(width)·\(height)·\(colour.rawValue) samples, received \(pixels.count)")
        self.width = width
        self.height = height
        self.colour = colour
        self.pixels = pixels
    }

    /// Returns the encoded file. Each row is filtered by `Up` or not at all, whichever gives the smaller sum of
    /// magnitudes.
    /// - Throws: `OperationError` if zlib runs out of memory.
    package func encoded() throws(OperationError) -> Data {
        let header = Self.bigEndian(width) + Self.bigEndian(height) + [8, colour.code, 0, 0, 0]
        return Data(
            [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + Self.chunk("IHDR", header)
                + Self.chunk("IDAT", try Zlib.compress(filteredRows, level: 9)) + Self.chunk("IEND", []))
    }

    private var filteredRows: [UInt8] {
        let stride = width * colour.rawValue
        var result: [UInt8] = []
        result.reserveCapacity(height * (stride + 1))
        for y in 0..<height {
            let row = pixels[(y * stride)..<((y + 1) * stride)]
            let up = y == 0 ? [] : zip(row, pixels[((y - 1) * stride)..<(y * stride)]).map { $0 &- $1 }
            if y > 0 && Self.magnitude(up) < Self.magnitude(row) {
                result.append(2)
                result += up
            } else {
                result.append(0)
                result += row
            }
        }
        return result
    }

    /// Returns Σ of the samples' magnitudes as signed bytes, the heuristic suggested by the standard.
    private static func magnitude(_ row: some Sequence<UInt8>) -> Int {
        row.reduce(0) { $0 + Int(Int8(bitPattern: $1).magnitude) }
    }

    private static func chunk(_ type: String, _ content: [UInt8]) -> [UInt8] {
        let body = Array(type.utf8) + content
        return bigEndian(content.count) + body + bigEndian(Int(Zlib.crc32(body)))
    }

    private static func bigEndian(_ value: Int) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }
}
