import Formats

/// TensorFlow's record format: length (8 bytes, little-endian), masked CRC-32C of the length, content, masked CRC-32C
/// of the content.
enum TFRecord {
    /// Returns one record.
    static func frame(_ content: [UInt8]) -> [UInt8] {
        let length = LittleEndian.bytes(of: UInt64(content.count))
        return length + LittleEndian.bytes(of: CRC32C.masked(length)) + content
            + LittleEndian.bytes(of: CRC32C.masked(content))
    }
}
