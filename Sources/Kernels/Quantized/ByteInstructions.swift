import CInstructions

/// The instruction sets for byte products. All give the same bits, at different speeds; unlike all other kernels, these
/// are part of every build, and the fastest is chosen at run time.
package enum ByteInstructions: String, CaseIterable, Sendable {
    /// `vpdpbusd` on 64 bytes: Intel from Cascade Lake and Ice Lake, AMD from Zen 4.
    case avx512vnni
    /// `vpdpbusd` on 32 bytes: Intel from Alder Lake, AMD from Zen 5.
    case avxvnni
    /// Products of 16-bit integers.
    case avx2
    /// Portable code.
    case portable

    /// Whether this processor supports them.
    package var isAvailable: Bool {
        switch self {
        case .avx512vnni: numeral_int8_has_avx512vnni() != 0
        case .avxvnni: numeral_int8_has_avxvnni() != 0
        case .avx2: numeral_int8_has_avx2() != 0
        case .portable: true
        }
    }

    /// Whether a product of bytes takes one instruction.
    package var hasByteProducts: Bool { self == .avx512vnni || self == .avxvnni }

    /// The fastest that this processor supports.
    package static let best = allCases.first { $0.isAvailable } ?? .portable
}

extension ByteInstructions {
    typealias Row = numeral_int8_row
    typealias Target = numeral_int8_target

    /// See `numeral_int8_row`.
    func multiply(
        _ row: inout Row, _ w: UnsafePointer<Int8>, vectors: Int, bias: UnsafePointer<Int32>, _ target: inout Target
    ) {
        #if arch(x86_64)
            switch self {
            case .avx512vnni: return numeral_int8_row_avx512vnni(&row, w, Int32(vectors), bias, &target)
            case .avxvnni: return numeral_int8_row_avxvnni(&row, w, Int32(vectors), bias, &target)
            case .avx2: return numeral_int8_row_avx2(&row, w, Int32(vectors), bias, &target)
            case .portable: break
            }
        #endif
        numeral_int8_row_portable(&row, w, Int32(vectors), bias, &target)
    }

    /// Computes `y = clamp(round(x / scale) + zero, 0…255)`, rounding half to even.
    func quantize(
        _ x: UnsafePointer<Float>, count: Int, scale: Float, zero: UInt8, into y: UnsafeMutablePointer<UInt8>
    ) {
        #if arch(x86_64)
            if self == .avx512vnni { return numeral_int8_quantize_avx512(x, count, scale, Int32(zero), y) }
            if self != .portable { return numeral_int8_quantize_avx2(x, count, scale, Int32(zero), y) }
        #endif
        numeral_int8_quantize_portable(x, count, scale, Int32(zero), y)
    }

    /// Computes the largest byte of each window per channel; the windows are adjacent, `rows` lines high and `columns`
    /// pixels wide.
    /// - Parameters:
    ///   - line: bytes between lines.
    ///   - target: bytes between output pixels.
    func pool(
        _ x: UnsafePointer<UInt8>, line: Int, rows: Int, columns: Int, channels: Int, pixels: Int,
        into y: UnsafeMutablePointer<UInt8>, target: Int
    ) {
        #if arch(x86_64)
            if self == .avx512vnni {
                return numeral_int8_pool_avx512(
                    x, line, Int32(rows), Int32(columns), Int32(channels), Int32(pixels), y, target)
            }
            if self != .portable {
                return numeral_int8_pool_avx2(
                    x, line, Int32(rows), Int32(columns), Int32(channels), Int32(pixels), y, target)
            }
        #endif
        numeral_int8_pool_portable(x, line, Int32(rows), Int32(columns), Int32(channels), Int32(pixels), y, target)
    }
}
