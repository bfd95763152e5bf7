/// A reader of the orientation in a photograph's EXIF data, the only field that is used.
///
/// Sources: JEITA CP-3451 (Exif 2.3), TIFF 6.0. Damaged EXIF data is treated as absent: the picture itself is valid.
enum EXIF {
    private static let orientationTag = 0x0112
    /// What precedes the TIFF structure in a JPEG, with a byte of padding of any value; some programs write it in a PNG
    /// too.
    private static let prefix = Array("Exif\0".utf8)

    /// Returns EXIF's orientation in the JPEG file `bytes`, 1...8; 1 if it has none.
    static func orientation(ofJPEG bytes: [UInt8]) -> Int {
        var position = 2
        // Segments up to the first scan: 0xFF, a marker, and a length that includes itself.
        while position + 4 <= bytes.count, bytes[position] == 0xFF {
            // A marker may be preceded by any number of 0xFF bytes.
            if bytes[position + 1] == 0xFF {
                position += 1
                continue
            }
            let marker = bytes[position + 1]
            let length = Int(bytes[position + 2]) << 8 | Int(bytes[position + 3])
            let end = position + 2 + length
            guard marker != 0xDA, length >= 2, end <= bytes.count else { return 1 }
            let content = bytes[(position + 4)..<end]
            if marker == 0xE1, content.starts(with: prefix) { return orientation(ofTIFF: Array(content)) }
            position = end
        }
        return 1
    }

    /// Returns the orientation in a TIFF structure, the format of EXIF data and of PNG's chunk `eXIf`.
    static func orientation(ofTIFF content: [UInt8]) -> Int {
        let bytes = content.starts(with: prefix) ? Array(content.dropFirst(prefix.count + 1)) : content
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
            // One short, as in the standard, or a byte or long, as some programs write it, stored inline.
            let sizes = [1: 1, 3: 2, 4: 4]
            guard let type = number(offset + 2, 2), let size = sizes[type], let count = number(offset + 4, 4),
                (1...4).contains(count * size), let value = number(offset + 8, size), (1...8).contains(value)
            else { return 1 }
            return value
        }
        return 1
    }
}
