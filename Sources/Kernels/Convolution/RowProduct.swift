import Tensors

/// `C = A·B`, or `C += A·B`, of matrices as small as Winograd's products, on which a BLAS spends longer than on multiplying: it copies `B`
/// and `A` into an order of its own for every call.
///
/// `B` is read as it lies, in panels of columns that stay in the first cache while the rows of `A` pass, six at a time: six rows of
/// 16 columns are twelve registers of eight floats, as many as AVX2 can keep. Every
/// element of `C` is one sum in one order, by fused multiply-adds from k = 0, whatever other rows and columns there are.
enum RowProduct {
    /// The fewest columns.
    static let leastColumns = 16

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
        m: Int, n: Int, k: Int, a: Factor, b: UnsafePointer<Float>, c: UnsafeMutablePointer<Float>, adding: Bool = false
    ) {
        var column = 0
        while column < n {
            let isPair = n &- column >= 32
            // The last columns again, where fewer than 16 are left: to the same values.
            let first = min(column, n &- 16)
            let panel = b + first, target = c + first
            var row = 0
            while row < m {
                let left = m &- row
                if isPair, left <= 3 {
                    three(left, n, k, a, row, panel, target + row &* n, adding)
                    break
                }
                six(min(left, 6), n, k, a, row, panel, target + row &* n, adding)
                if isPair { six(min(left, 6), n, k, a, row, panel + 16, target + (row &* n &+ 16), adding) }
                row &+= 6
            }
            column &+= isPair ? 32 : 16
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

    /// Up to three rows of 32 columns, the same way.
    @inline(__always)
    private static func three(
        _ rows: Int, _ n: Int, _ k: Int, _ a: Factor, _ row: Int, _ b: UnsafePointer<Float>,
        _ c: UnsafeMutablePointer<Float>, _ adding: Bool
    ) {
        let r2 = rows &- 1, r1 = min(1, r2)
        let a0 = a.pointer + row &* a.row, a1 = a0 + r1 &* a.row, a2 = a0 + r2 &* a.row
        let o1 = r1 &* n, o2 = r2 &* n
        var c0 = adding ? c.lanes(0) : .zero, c1 = adding ? c.lanes(o1) : .zero, c2 = adding ? c.lanes(o2) : .zero
        let e = c + 16
        var d0 = adding ? e.lanes(0) : .zero, d1 = adding ? e.lanes(o1) : .zero, d2 = adding ? e.lanes(o2) : .zero
        var source = b, i = 0
        for _ in 0..<k {
            let lanes = source.lanes(0), more = source.lanes(16)
            let s0 = Float16Lanes(repeating: a0[i]), s1 = Float16Lanes(repeating: a1[i])
            let s2 = Float16Lanes(repeating: a2[i])
            c0.addProduct(s0, lanes)
            d0.addProduct(s0, more)
            c1.addProduct(s1, lanes)
            d1.addProduct(s1, more)
            c2.addProduct(s2, lanes)
            d2.addProduct(s2, more)
            source += n
            i &+= a.step
        }
        c.setLanes(0, c0)
        c.setLanes(o1, c1)
        c.setLanes(o2, c2)
        e.setLanes(0, d0)
        e.setLanes(o1, d1)
        e.setLanes(o2, d2)
    }
}
