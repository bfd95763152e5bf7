/// The one thing that is read of a photograph's EXIF data: how it was held.
///
/// Sources: JEITA CP-3451 (Exif 2.3), TIFF 6.0. What is damaged is as if it were not there: the picture itself is sound.
enum EXIF {
    private static let orientationTag = 0x0112

    /// EXIF's orientation in the JPEG file `bytes`, 1...8; 1 where it says none.
    static func orientation(ofJPEG bytes: [UInt8]) -> Int {
        var position = 2
        // Segments: 0xFF, a marker, a length that counts itself; up to the first scan.
        while position + 4 <= bytes.count, bytes[position] == 0xFF {
            // Any number of 0xFF may stand before a marker.
            if bytes[position + 1] == 0xFF {
                position += 1
                continue
            }
            let marker = bytes[position + 1]
            let length = Int(bytes[position + 2]) << 8 | Int(bytes[position + 3])
            let end = position + 2 + length
            guard marker != 0xDA, length >= 2, end <= bytes.count else { return 1 }
            let content = bytes[(position + 4)..<end]
            if marker == 0xE1, content.starts(with: "Exif\0\0".utf8) {
                return orientation(ofTIFF: Array(content.dropFirst(6)))
            }
            position = end
        }
        return 1
    }

    /// The same in the TIFF structure that EXIF data are, and PNG's chunk `eXIf` holds.
    static func orientation(ofTIFF bytes: [UInt8]) -> Int {
        guard bytes.count >= 8 else { return 1 }
        let isLittle = bytes.starts(with: "II".utf8)
        guard isLittle || bytes.starts(with: "MM".utf8) else { return 1 }
        func number(_ offset: Int, _ size: Int) -> Int? {
            guard offset >= 0, offset + size <= bytes.count else { return nil }
            let part = bytes[offset..<(offset + size)]
            return isLittle
                ? part.reversed().reduce(0) { $0 << 8 | Int($1) } : part.reduce(0) { $0 << 8 | Int($1) }
        }
        guard number(2, 2) == 42, let directory = number(4, 4), let entries = number(directory, 2) else { return 1 }
        for entry in 0..<entries {
            let offset = directory + 2 + 12 * entry
            guard let tag = number(offset, 2) else { return 1 }
            guard tag == orientationTag else { continue }
            // One short, as the standard has it, or one long, as some programs write it, in the value's own place.
            let sizes = [3: 2, 4: 4]
            guard let type = number(offset + 2, 2), let size = sizes[type], number(offset + 4, 4) == 1,
                let value = number(offset + 8, size), (1...8).contains(value)
            else { return 1 }
            return value
        }
        return 1
    }
}
