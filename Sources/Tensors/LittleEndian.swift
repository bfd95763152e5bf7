/// Numbers as the bytes that files hold, the least significant first.
package enum LittleEndian {
    /// Appends four bytes for each of `values`.
    package static func append(_ values: [Float], to bytes: inout [UInt8]) {
        #if _endian(little)
            values.withUnsafeBytes { bytes.append(contentsOf: $0) }
        #else
            values.map(\.bitPattern.byteSwapped).withUnsafeBytes { bytes.append(contentsOf: $0) }
        #endif
    }
}
