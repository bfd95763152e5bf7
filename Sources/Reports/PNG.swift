import CZlib
import Foundation
import Tensors

/// Small pictures as PNG files (ISO/IEC 15948): 8 bits a sample, no filter, one IDAT chunk.
enum PNG {
    /// - Parameters:
    ///   - pixels: `[height, width, channels]`.
    ///   - channels: 1 (grey) or 3 (red, green, blue).
    /// - Throws: `OperationError` where zlib fails, which it does for want of memory alone.
    static func encode(_ pixels: [UInt8], width: Int, height: Int, channels: Int) throws(OperationError) -> Data {
        precondition(
            width >= 1 && height >= 1 && (channels == 1 || channels == 3) && pixels.count == width * height * channels,
            "PNG: \(pixels.count) samples for \(width)×\(height)×\(channels)")
        var lines: [UInt8] = []
        lines.reserveCapacity(pixels.count + height)
        for y in 0..<height {
            // Filter 0: samples as they are.
            lines.append(0)
            lines += pixels[(y * width * channels)..<((y + 1) * width * channels)]
        }
        var size = compressBound(uLong(lines.count))
        var packed = [UInt8](repeating: 0, count: Int(size))
        let status = compress2(&packed, &size, lines, uLong(lines.count), 9)
        guard status == Z_OK else {
            throw OperationError("packing a picture", problem: "zlib answered \(status)")
        }
        var file = Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
        append("IHDR", bytes(width) + bytes(height) + [8, channels == 1 ? 0 : 2, 0, 0, 0], to: &file)
        append("IDAT", Array(packed.prefix(Int(size))), to: &file)
        append("IEND", [], to: &file)
        return file
    }

    private static func bytes(_ value: Int) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    private static func append(_ type: String, _ content: [UInt8], to file: inout Data) {
        let checked = Array(type.utf8) + content
        file.append(contentsOf: bytes(content.count))
        file.append(contentsOf: checked)
        file.append(contentsOf: bytes(Int(crc32(0, checked, uInt(checked.count)))))
    }
}
