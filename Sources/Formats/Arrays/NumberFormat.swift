/// The encoding of a number in a file of another program, little-endian.
package enum NumberFormat: String, Sendable {
    case float16 = "F16", bfloat16 = "BF16", float32 = "F32", float64 = "F64"
    case int8 = "I8", int16 = "I16", int32 = "I32", int64 = "I64"
    case uint8 = "U8", uint16 = "U16", uint32 = "U32", uint64 = "U64", boolean = "BOOL"

    /// The size of one number in bytes.
    package var size: Int {
        switch self {
        case .int8, .uint8, .boolean: 1
        case .float16, .bfloat16, .int16, .uint16: 2
        case .float32, .int32, .uint32: 4
        case .float64, .int64, .uint64: 8
        }
    }

    /// Returns the number at `offset` of `bytes` as float32, rounded if necessary.
    package func value(_ bytes: [UInt8], at offset: Int) -> Float {
        let bits = LittleEndian.word(bytes, at: offset, size: size)
        return switch self {
        case .float16: Float(Float16(bitPattern: UInt16(truncatingIfNeeded: bits)))
        case .bfloat16: Float(bitPattern: UInt32(truncatingIfNeeded: bits) << 16)
        case .float32: Float(bitPattern: UInt32(truncatingIfNeeded: bits))
        case .float64: Float(Double(bitPattern: bits))
        case .int8: Float(Int8(truncatingIfNeeded: bits))
        case .int16: Float(Int16(truncatingIfNeeded: bits))
        case .int32: Float(Int32(truncatingIfNeeded: bits))
        case .int64: Float(Int64(bitPattern: bits))
        case .uint8, .uint16, .uint32, .uint64, .boolean: Float(bits)
        }
    }
}
