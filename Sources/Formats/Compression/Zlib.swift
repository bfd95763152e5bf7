import Tensors

/// What other modules need of zlib: compressed streams and checksums.
package enum Zlib {
    /// `bytes` as one zlib stream (RFC 1950), the same for the same bytes and level.
    /// - Parameter level: 0 (stored) to 9 (smallest).
    /// - Throws: `OperationError` where zlib has no memory, or for more than 1 GiB.
    package static func compress(_ bytes: [UInt8], level: Int = 6) throws(OperationError) -> [UInt8] {
        precondition((0...9).contains(level), "Zlib: level must be in 0...9, received \(level)")
        guard let stream = DeflateStream.deflate(bytes, level: Int32(level), wrapper: .zlib) else {
            throw OperationError("compressing \(bytes.count) bytes", problem: "zlib could not")
        }
        return stream
    }

    /// The CRC-32 of ISO 3309 (gzip, PNG) of `bytes`.
    package static func crc32(_ bytes: [UInt8]) -> UInt32 { InflateStream.crc32(0, bytes, count: bytes.count) }
}
