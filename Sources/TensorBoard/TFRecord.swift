/// TensorFlow's record format: length (8 bytes, little-endian), masked CRC-32C of the length, content, masked CRC-32C
/// of the content.
enum TFRecord {
    /// Returns one record.
    static func frame(_ content: [UInt8]) -> [UInt8] {
        let length = littleEndian(UInt64(content.count))
        return length + littleEndian(CRC32C.masked(length)) + content + littleEndian(CRC32C.masked(content))
    }

    private static func littleEndian<Integer: FixedWidthInteger>(_ value: Integer) -> [UInt8] {
        (0..<(Integer.bitWidth / 8)).map { UInt8(truncatingIfNeeded: value >> Integer(8 * $0)) }
    }
}
