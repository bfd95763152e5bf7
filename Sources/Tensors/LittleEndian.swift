/// Numbers as the bytes that files hold, the least significant first.
public enum LittleEndian {
    /// Appends four bytes for each of `values`.
    public static func append(_ values: [Float], to bytes: inout [UInt8]) {
        #if _endian(little)
            values.withUnsafeBytes { bytes.append(contentsOf: $0) }
        #else
            values.map(\.bitPattern.byteSwapped).withUnsafeBytes { bytes.append(contentsOf: $0) }
        #endif
    }
}
