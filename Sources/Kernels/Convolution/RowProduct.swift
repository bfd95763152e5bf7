import CInstructions
import Tensors

/// `C = A·B`, or `C += A·B`, of matrices as small as Winograd's products, on which a BLAS may spend longer than on multiplying: it copies
/// `B` and `A` into an order of its own for every call.
///
/// `B` is read as it lies, in panels of 32 columns that stay in the first cache while the rows of `A` pass: twelve at a time are 24
/// registers of AVX-512, six of 16 columns twelve of AVX2. Which of them a processor has is asked when the program runs. Every
/// element of `C` is one sum in one order, by fused multiply-adds from k = 0, whatever other rows and columns there are.
enum RowProduct {
    /// The fewest columns.
    static let leastColumns = 16

    /// What multiplies: all give the same bits.
    enum Instructions: CaseIterable {
        case avx512, fma
        /// Swift's vectors, as the build has them.
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

    /// Whether these are faster than a BLAS's: not where the build knows of no fused multiply-adds and the processor has none either.
    static let isFast: Bool = {
        #if NUMERAL_PORTABLE
            return Instructions.best != .swift
        #else
            return true
        #endif
    }()

    /// Where `A` and its elements are: `A[i, k]` at `pointer[i·row + k·step]`.
    struct Factor {
        var pointer: UnsafePointer<Float>
        var row: Int
        var step: Int
    }

    /// - Parameters:
    ///   - b: `[k, n]`.  - c: `[m, n]`, overwritten, or added to.
    /// - Precondition: `n` ≥ ``leastColumns``; a multiple of it where `C` is added to.
    static func multiply(
        m: Int, n: Int, k: Int, a: Factor, b: UnsafePointer<Float>, c: UnsafeMutablePointer<Float>,
        adding: Bool = false,
        by instructions: Instructions = .best
    ) {
        var column = 0
        while column < n {
            let isPair = n &- column >= 32
            // The last columns again, where fewer than 16 are left: to the same values.
            let first = min(column, n &- 16)
            panel(m, n, k, a, b + first, c + first, vectors: isPair ? 2 : 1, adding, instructions)
            column &+= isPair ? 32 : 16
        }
    }

    /// 16·`vectors` columns.
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

    /// Up to six rows of 16 columns; where fewer are left the last is done again, to the same values.
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
