import LinearAlgebra
import Tensors

/// Approximate orthogonalization by a matrix polynomial: for `X = U·S·Vᵀ`, something close to `U·Vᵀ`.
///
/// `X ← X / max(‖X‖_F, 1e-7)`, then five times `X ← a·X + (b·A + c·A²)·X` with `A = X·Xᵀ` and (a, b, c) = (3.4445,
/// −4.7750, 2.0315). A tall X uses `A = Xᵀ·X`, which is then the smaller one, multiplied from the right. Each singular
/// value σ passes through the same polynomial `σ ← aσ + bσ³ + cσ⁵` and ends within about 0.7…1.2 unless it was tiny.
/// With k the shorter side and l the longer: 5·(4·k²·l + 2·k³) flops.
///
/// Source: K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024,
/// https://kellerjordan.github.io/posts/muon.
package enum NewtonSchulz {
    static let iterations = 5
    static let smallestNorm = 1e-7

    /// Floats of scratch for ``orthogonalize(_:rows:columns:scratch:)``.
    package static func scratchFloats(rows: Int, columns: Int) -> Int {
        let side = min(rows, columns)
        return rows * columns + 2 * side * side
    }

    /// Orthogonalizes the matrix that starts at element `offset` of a buffer.
    package static func orthogonalize(
        _ x: AlignedBuffer<Float>, at offset: Int, rows: Int, columns: Int, scratch: AlignedBuffer<Float>
    ) {
        precondition(
            offset >= 0 && offset + rows * columns <= x.count
                && scratch.count >= scratchFloats(rows: rows, columns: columns), "NewtonSchulz: a buffer is too short")
        orthogonalize(x.pointer + offset, rows: rows, columns: columns, scratch: scratch.pointer)
    }

    /// Replaces `x[rows, columns]` by its approximate orthogonalization. A zero matrix stays zero; NaN spreads.
    /// - Parameter scratch: ``scratchFloats(rows:columns:)``.
    package static func orthogonalize(
        _ x: UnsafeMutablePointer<Float>, rows: Int, columns: Int, scratch: UnsafeMutablePointer<Float>
    ) {
        let side = min(rows, columns), count = rows * columns
        var squares = 0.0
        for i in 0..<count { squares += Double(x[i]) * Double(x[i]) }
        let norm = squares.squareRoot()
        let factor = Float(1 / (norm < smallestNorm ? smallestNorm : norm))
        for i in 0..<count { x[i] *= factor }
        var source = x, target = scratch
        let a = scratch + count, b = a + side * side
        for _ in 0..<iterations {
            if rows <= columns {
                BLAS.gemm(
                    .no, .yes, m: side, n: side, k: columns, a: source, lda: columns, b: source, ldb: columns, c: a,
                    ldc: side)
            } else {
                BLAS.gemm(
                    .yes, .no, m: side, n: side, k: rows, a: source, lda: columns, b: source, ldb: columns, c: a,
                    ldc: side)
            }
            b.update(from: a, count: side * side)
            BLAS.gemm(
                m: side, n: side, k: side, alpha: 2.0315, a: a, lda: side, b: a, ldb: side, beta: -4.7750, c: b,
                ldc: side)
            target.update(from: source, count: count)
            if rows <= columns {
                BLAS.gemm(
                    m: rows, n: columns, k: rows, a: b, lda: side, b: source, ldb: columns, beta: 3.4445, c: target,
                    ldc: columns)
            } else {
                BLAS.gemm(
                    m: rows, n: columns, k: columns, a: source, lda: columns, b: b, ldb: side, beta: 3.4445, c: target,
                    ldc: columns)
            }
            (source, target) = (target, source)
        }
        if source != x { x.update(from: source, count: count) }
    }
}
