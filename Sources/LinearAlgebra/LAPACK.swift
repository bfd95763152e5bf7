import CLAPACKE

/// The only interface to LAPACK.
package enum LAPACK {
    /// An option character as a C `char`.
    private static func letter(_ scalar: Unicode.Scalar) -> CChar { CChar(scalar.value) }

    /// Returns the thin orthonormal factor of `A`'s QR factorization, with the signs that make R's diagonal positive
    /// (so that a normally distributed `A` gives a Q uniform over orthonormal frames: Mezzadri 2006,
    /// arXiv:math-ph/0609050).
    ///
    /// - Parameters:
    ///   - a: `[rows, columns]` row-major, `rows ≥ columns ≥ 1`.
    /// - Returns: Q as `[rows, columns]` row-major, its columns orthonormal; nil if LAPACK reports an error or `A` does
    ///   not have full rank.
    package static func orthonormalColumns(_ a: [Double], rows: Int, columns: Int) -> [Double]? {
        precondition(rows >= columns && columns >= 1 && a.count == rows * columns, "orthonormalColumns: wrong extents")
        BLASVendor.useOneThread()
        var q = a
        var tau = [Double](repeating: 0, count: columns)
        let m = Int32(rows), n = Int32(columns)
        guard LAPACKE_dgeqrf(LAPACK_ROW_MAJOR, m, n, &q, n, &tau) == 0 else { return nil }
        let diagonal = (0..<columns).map { q[$0 * columns + $0] }
        // The diagonal element of a dependent column is rounding error: below rows · 2^-52 of the largest.
        let least = (diagonal.map(abs).max() ?? 0) * Double(rows) * 0x1p-52
        guard diagonal.allSatisfy({ abs($0) > least && $0.isFinite }) else { return nil }
        guard LAPACKE_dorgqr(LAPACK_ROW_MAJOR, m, n, n, &q, n, &tau) == 0 else { return nil }
        for column in 0..<columns where diagonal[column] < 0 {
            for row in 0..<rows { q[row * columns + column].negate() }
        }
        return q
    }

    /// Returns the eigenvalues of the symmetric `A`, ascending, and orthonormal eigenvectors.
    ///
    /// - Parameters:
    ///   - a: `[n, n]`; its upper triangle is read.
    /// - Returns: values `[n]`, and vectors `[n, n]` row-major, whose column j belongs to value j; nil if LAPACK
    ///   reports an error or an element is not finite.
    package static func symmetricEigenvectors(_ a: [Double], n: Int) -> (values: [Double], vectors: [Double])? {
        precondition(n >= 1 && a.count == n * n, "symmetricEigenvectors: wrong extents")
        guard a.allSatisfy(\.isFinite) else { return nil }
        BLASVendor.useOneThread()
        var vectors = a
        var values = [Double](repeating: 0, count: n)
        let extent = Int32(n)
        guard
            LAPACKE_dsyevd(LAPACK_ROW_MAJOR, Self.letter("V"), Self.letter("U"), extent, &vectors, extent, &values) == 0
        else { return nil }
        return (values, vectors)
    }
}
