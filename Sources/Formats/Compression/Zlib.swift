import Tensors

/// The zlib functions that other modules need: compressed streams and checksums.
package enum Zlib {
    /// Compresses `bytes` to one zlib stream (RFC 1950). Equal bytes and levels give equal streams.
    /// - Parameter level: 0 (stored) to 9 (smallest).
    /// - Throws: `OperationError` if zlib runs out of memory, or for more than 1 GiB.
    package static func compress(_ bytes: [UInt8], level: Int = 6) throws(OperationError) -> [UInt8] {
        precondition((0...9).contains(level), "Zlib: level must be in 0...9, received \(level)")
        guard let stream = DeflateStream.deflate(bytes, level: Int32(level), wrapper: .zlib) else {
            throw OperationError("compressing \(bytes.count) bytes", problem: "zlib could not")
        }
        return stream
    }

    /// Returns the CRC-32 of ISO 3309 (gzip, PNG) of `bytes`.
    package static func crc32(_ bytes: [UInt8]) -> UInt32 { InflateStream.crc32(0, bytes, count: bytes.count) }
}
