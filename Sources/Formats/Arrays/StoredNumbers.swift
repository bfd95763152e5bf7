/// An array of numbers as a file stores them, little-endian: a matrix of a MAT-file, a data set of an HDF5 file.
package struct StoredNumbers: Sendable {
    /// The extents, in the file's order.
    package var extents: [Int]
    package var type: NumberType
    package var bytes: [UInt8]

    package var count: Int { bytes.count / type.size }

    /// Returns the number at position `index` in the file.
    package func number(_ index: Int) -> Double {
        let word = word(index)
        return switch type {
        case .int8: Double(Int8(truncatingIfNeeded: word))
        case .int16: Double(Int16(truncatingIfNeeded: word))
        case .int32: Double(Int32(truncatingIfNeeded: word))
        case .int64: Double(Int64(truncatingIfNeeded: word))
        case .uint8, .uint16, .uint32, .uint64: Double(word)
        case .single: Double(Float(bitPattern: UInt32(truncatingIfNeeded: word)))
        case .double: Double(bitPattern: word)
        }
    }

    /// Returns the bits of the number at position `index`.
    package func word(_ index: Int) -> UInt64 {
        LittleEndian.word(bytes, at: index * type.size, size: type.size)
    }

    /// The types of numbers, as MAT-files number them.
    package enum NumberType: UInt32, Sendable, CaseIterable {
        case int8 = 1
        case uint8 = 2
        case int16 = 3
        case uint16 = 4
        case int32 = 5
        case uint32 = 6
        case single = 7
        case double = 9
        case int64 = 12
        case uint64 = 13

        package var size: Int {
            switch self {
            case .int8, .uint8: 1
            case .int16, .uint16: 2
            case .int32, .uint32, .single: 4
            case .double, .int64, .uint64: 8
            }
        }

        /// The integer type of `size` bytes, if there is one.
        static func integer(size: Int, isSigned: Bool) -> NumberType? {
            let types: [NumberType] = isSigned ? [.int8, .int16, .int32, .int64] : [.uint8, .uint16, .uint32, .uint64]
            return types.first { $0.size == size }
        }

        /// The floating-point type of `size` bytes, if there is one.
        static func floating(size: Int) -> NumberType? { [.single, .double].first { $0.size == size } }
    }
}
