import CInstructions
import Tensors

/// `C = A·B` or `C += A·B` for matrices as small as Winograd's, for which a BLAS may spend longer copying `A` and `B`
/// into its own layout than multiplying.
///
/// `B` is read in place, in panels of 32 columns that stay in the L1 cache while the rows of `A` pass by: twelve rows
/// at a time take 24 AVX-512 registers; six rows of 16 columns take twelve AVX2 registers. The instruction set is
/// detected at run time. Every element of `C` is one sum in one order, by fused multiply-adds from k = 0, regardless of
/// the other rows and columns.
enum RowProduct {
    /// The minimum number of columns.
    static let leastColumns = 16

    /// The instruction sets that can compute the product; all give the same bits.
    enum Instructions: CaseIterable {
        case avx512, fma
        /// Swift's SIMD types, as compiled in this build.
        case swift

        var isAvailable: Bool {
            switch self {
            case .avx512: numeral_has_avx512f() != 0
            case .fma: numeral_has_fma() != 0
            case .swift: true
            }
        }

        static let best = allCases.first { $0.isAvailable } ?? .swift
    }

    /// Whether this is faster than a BLAS: false only in a build without fused multiply-adds on a processor that lacks
    /// them too.
    static let isFast: Bool = {
        #if NUMERAL_PORTABLE
            return Instructions.best != .swift
        #else
            return true
        #endif
    }()

    /// A matrix with its strides: `A[i, k]` is at `pointer[i·row + k·step]`.
    struct Factor {
        var pointer: UnsafePointer<Float>
        var row: Int
        var step: Int
    }

    /// Multiplies `a` by `b` into `c`.
    /// - Parameters:
    ///   - b: `[k, n]`.
    ///   - c: `[m, n]`, overwritten or added to.
    /// - Precondition: `n` ≥ ``leastColumns``, and a multiple of it when adding to `C`.
    static func multiply(
        m: Int, n: Int, k: Int, a: Factor, b: UnsafePointer<Float>, c: UnsafeMutablePointer<Float>,
        adding: Bool = false,
        by instructions: Instructions = .best
    ) {
        var column = 0
        while column < n {
            let isPair = n &- column >= 32
            // If fewer than 16 columns remain, the last 16 are recomputed to the same values.
            let first = min(column, n &- 16)
            panel(m, n, k, a, b + first, c + first, vectors: isPair ? 2 : 1, adding, instructions)
            column &+= isPair ? 32 : 16
        }
    }

    /// Computes a panel of 16·`vectors` columns.
    @inline(__always)
    private static func panel(
        _ m: Int, _ n: Int, _ k: Int, _ a: Factor, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>,
        vectors: Int,
        _ adding: Bool, _ instructions: Instructions
    ) {
        #if arch(x86_64)
            var task = numeral_product(
                m: m, n: n, k: k, a: a.pointer, row: a.row, step: a.step, b: b, c: c, vectors: Int32(vectors),
                adding: adding ? 1 : 0)
            switch instructions {
            case .avx512: return numeral_product_avx512(&task)
            case .fma: return numeral_product_fma(&task)
            case .swift: break
            }
        #endif
        for row in stride(from: 0, to: m, by: 6) {
            for column in stride(from: 0, to: 16 &* vectors, by: 16) {
                six(min(m &- row, 6), n, k, a, row, b + column, c + (row &* n &+ column), adding)
            }
        }
    }

    /// Computes up to six rows of 16 columns; if fewer remain, the last is recomputed to the same values.
    @inline(__always)
    private static func six(
        _ rows: Int, _ n: Int, _ k: Int, _ a: Factor, _ row: Int, _ b: UnsafePointer<Float>,
        _ c: UnsafeMutablePointer<Float>, _ adding: Bool
    ) {
        let r5 = rows &- 1, r1 = min(1, r5), r2 = min(2, r5), r3 = min(3, r5), r4 = min(4, r5)
        let a0 = a.pointer + row &* a.row, a1 = a0 + r1 &* a.row, a2 = a0 + r2 &* a.row
        let a3 = a0 + r3 &* a.row, a4 = a0 + r4 &* a.row, a5 = a0 + r5 &* a.row
        let o1 = r1 &* n, o2 = r2 &* n, o3 = r3 &* n, o4 = r4 &* n, o5 = r5 &* n
        var c0 = adding ? c.lanes(0) : .zero, c1 = adding ? c.lanes(o1) : .zero, c2 = adding ? c.lanes(o2) : .zero
        var c3 = adding ? c.lanes(o3) : .zero, c4 = adding ? c.lanes(o4) : .zero, c5 = adding ? c.lanes(o5) : .zero
        var source = b, i = 0
        for _ in 0..<k {
            let lanes = source.lanes(0)
            c0.addProduct(Float16Lanes(repeating: a0[i]), lanes)
            c1.addProduct(Float16Lanes(repeating: a1[i]), lanes)
            c2.addProduct(Float16Lanes(repeating: a2[i]), lanes)
            c3.addProduct(Float16Lanes(repeating: a3[i]), lanes)
            c4.addProduct(Float16Lanes(repeating: a4[i]), lanes)
            c5.addProduct(Float16Lanes(repeating: a5[i]), lanes)
            source += n
            i &+= a.step
        }
        c.setLanes(0, c0)
        c.setLanes(o1, c1)
        c.setLanes(o2, c2)
        c.setLanes(o3, c3)
        c.setLanes(o4, c4)
        c.setLanes(o5, c5)
    }
}
