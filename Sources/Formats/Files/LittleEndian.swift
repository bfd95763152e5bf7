import Foundation

/// Conversion between numbers and little-endian bytes, independent of the machine.
package enum LittleEndian {
    /// Returns the unsigned number of `size` bytes, at most eight, at `offset`.
    package static func word(_ bytes: [UInt8], at offset: Int = 0, size: Int) -> UInt64 {
        var word: UInt64 = 0
        for position in (offset..<offset + size).reversed() { word = word << 8 | UInt64(bytes[position]) }
        return word
    }

    /// Returns the bytes of `value`.
    package static func bytes(of value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

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
