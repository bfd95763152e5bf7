import CBLAS

/// The only interface to BLAS: row-major, checked, with extents of type `Int`.
///
/// `A` is `[m, k]`, `B` is `[k, n]` and `C` is `[m, n]` after transposition; `lda`, `ldb` and `ldc` are the row strides
/// as stored.
package enum BLAS {
    /// Whether a matrix is read as stored or transposed.
    package enum Transpose: Sendable { case no, yes }

    /// Computes `C ← α·op(A)·op(B) + β·C` in single precision, 2·m·n·k flops. β = 0 overwrites `C` whatever it
    /// contained.
    ///
    /// - Precondition: extents in 0…2³¹−1; each leading dimension at least its matrix's row length.
    package static func gemm(
        _ transA: Transpose = .no, _ transB: Transpose = .no, m: Int, n: Int, k: Int, alpha: Float = 1,
        a: UnsafePointer<Float>, lda: Int, b: UnsafePointer<Float>, ldb: Int, beta: Float = 0,
        c: UnsafeMutablePointer<Float>, ldc: Int
    ) {
        precondition(m >= 0 && n >= 0 && k >= 0, "gemm: extents must not be negative")
        precondition(lda >= max(1, transA == .no ? k : m), "gemm: lda is shorter than a row of A")
        precondition(ldb >= max(1, transB == .no ? n : k), "gemm: ldb is shorter than a row of B")
        precondition(ldc >= max(1, n), "gemm: ldc is shorter than a row of C")
        BLASVendor.useOneThread()
        // Int32(_:) traps if a value does not fit: an extent past 2³¹ is a programming error.
        cblas_sgemm(
            CblasRowMajor, transA == .no ? CblasNoTrans : CblasTrans, transB == .no ? CblasNoTrans : CblasTrans,
            Int32(m), Int32(n), Int32(k), alpha, a, Int32(lda), b, Int32(ldb), beta, c, Int32(ldc))
    }
}
