import Foundation

/// Conversion of numbers to little-endian bytes, independent of the machine.
package enum LittleEndian {
    /// Returns four bytes for each of `values`.
    package static func bytes(_ values: [Float]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4 * values.count)
        append(values, to: &bytes)
        return bytes
    }

    /// Returns four bytes for each of `values`.
    package static func data(_ values: [Float]) -> Data { Data(bytes(values)) }

    /// Appends four bytes for each of `values`.
    package static func append(_ values: [Float], to bytes: inout [UInt8]) {
        for value in values {
            withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
        }
    }
}
