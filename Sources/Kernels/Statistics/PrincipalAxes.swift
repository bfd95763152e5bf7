import LinearAlgebra
import Tensors

/// The directions in which a cloud of points varies most, and the points' coordinates along them.
///
/// Computes the leading eigenvectors of `C = XᵀX / (n − 1)`, X centred, by orthogonal iteration of a block slightly
/// larger than requested (`Q ← qr(C·Q + εQ)`, ε = 10⁻⁷ of the total variance so that low-rank data does no harm) and
/// the eigenvectors of the small `QᵀCQ`. C itself, which may be far too large, is never formed: 4·n·f·b flops per
/// iteration. Halko, Martinsson, Tropp, "Finding structure with randomness", 2011, arXiv:0909.4061.
package struct PrincipalAxes: Sendable {
    /// The coordinates of the points, `[n, k]` row-major.
    package let coordinates: [Float]
    /// The axes, `[f, k]` row-major, orthonormal columns; the largest component of each is positive.
    package let axes: [Float]
    /// The variance along each axis, `[k]`, descending.
    package let variances: [Double]
    /// The sum of the variances of all f columns.
    package let totalVariance: Double

    /// The iteration has converged once no eigenvalue changes by more than this fraction of the largest, which leaves
    /// the axes accurate to about 10⁻³.
    private static let tolerance = 1e-6
    private static let iterationLimit = 100

    /// - Parameters:
    ///   - x: `[n, f]` row-major in its first n·f elements; **centred in place**.
    ///   - k: the number of axes, 1 ≤ k ≤ f.
    /// - Returns: nil if LAPACK fails, for instance on non-finite values.
    package init?(centring x: AlignedBuffer<Float>, rows n: Int, columns f: Int, count k: Int) {
        precondition(n >= 1 && f >= 1 && x.count >= n * f && k >= 1 && k <= f, "PrincipalAxes: wrong extents")
        totalVariance = Self.centre(x, n, f)
        guard totalVariance.isFinite else { return nil }
        let b = min(k + 8, f)
        guard totalVariance > 0 else {
            coordinates = [Float](repeating: 0, count: n * k)
            axes = (0..<f * k).map { $0 / k == $0 % k ? 1 : 0 }
            variances = [Double](repeating: 0, count: k)
            return
        }
        var stream = RandomStream(RandomAddress(seed: 0, purpose: .principalAxes))
        var start: [Double] = []
        for _ in 0..<f * b { start.append(Double(stream.uniform()) - 0.5) }
        guard var q = LAPACK.orthonormalColumns(start, rows: f, columns: b) else { return nil }
        let basis = AlignedBuffer<Float>(count: f * b), image = AlignedBuffer<Float>(count: n * b)
        let product = AlignedBuffer<Float>(count: f * b)
        var before: [Double] = []
        var found: (axes: [Float], variances: [Double])?
        for iteration in 1...Self.iterationLimit {
            for i in 0..<f * b { basis[i] = Float(q[i]) }
            BLAS.gemm(m: n, n: b, k: f, a: x.pointer, lda: f, b: basis.pointer, ldb: b, c: image.pointer, ldc: b)
            BLAS.gemm(
                .yes, m: f, n: b, k: n, alpha: 1 / Float(max(n - 1, 1)), a: x.pointer, lda: f, b: image.pointer, ldb: b,
                c: product.pointer, ldc: b)
            guard let ritz = LAPACK.symmetricEigenvectors(Self.inner(q, product, f, b), n: b) else { return nil }
            let leading = (0..<k).map { max(0, ritz.values[b - 1 - $0]) }
            let settled = zip(leading, before).allSatisfy { abs($0 - $1) <= Self.tolerance * leading[0] }
            if (settled && !before.isEmpty) || iteration == Self.iterationLimit {
                found = (Self.rotated(q, by: ritz.vectors, f, b, k), leading)
                break
            }
            before = leading
            let shift = 1e-7 * totalVariance
            let next = (0..<f * b).map { Double(product[$0]) + shift * q[$0] }
            guard let orthonormal = LAPACK.orthonormalColumns(next, rows: f, columns: b) else { return nil }
            q = orthonormal
        }
        guard let found else { return nil }
        (axes, variances) = found
        let directions = AlignedBuffer(axes), projected = AlignedBuffer<Float>(count: n * k)
        BLAS.gemm(m: n, n: k, k: f, a: x.pointer, lda: f, b: directions.pointer, ldb: k, c: projected.pointer, ldc: k)
        coordinates = projected.array
    }

    /// Subtracts each column's mean and returns the sum of the columns' variances.
    private static func centre(_ x: AlignedBuffer<Float>, _ n: Int, _ f: Int) -> Double {
        var means = [Double](repeating: 0, count: f)
        x.withMutableSpan(0..<n * f) { x in
            for row in 0..<n { for column in 0..<f { means[column] += Double(x[row &* f &+ column]) } }
            for column in 0..<f { means[column] /= Double(n) }
        }
        var squares = 0.0
        x.withMutableSpan(0..<n * f) { x in
            for row in 0..<n {
                for column in 0..<f {
                    let value = Double(x[row &* f &+ column]) - means[column]
                    x[row &* f &+ column] = Float(value)
                    squares += value * value
                }
            }
        }
        return squares / Double(max(n - 1, 1))
    }

    /// Returns `QᵀY`, symmetrized.
    private static func inner(_ q: [Double], _ y: AlignedBuffer<Float>, _ f: Int, _ b: Int) -> [Double] {
        var result = [Double](repeating: 0, count: b * b)
        for row in 0..<f {
            for i in 0..<b { for j in 0..<b { result[i * b + j] += q[row * b + i] * Double(y[row * b + j]) } }
        }
        return (0..<b * b).map { (result[$0] + result[$0 % b * b + $0 / b]) / 2 }
    }

    /// Returns the k leading axes: `Q·V` with V's columns in reverse order.
    private static func rotated(_ q: [Double], by v: [Double], _ f: Int, _ b: Int, _ k: Int) -> [Float] {
        var axes = [Double](repeating: 0, count: f * k)
        for row in 0..<f {
            for axis in 0..<k {
                for i in 0..<b { axes[row * k + axis] += q[row * b + i] * v[i * b + b - 1 - axis] }
            }
        }
        for axis in 0..<k {
            var largest = 0.0
            for row in 0..<f where abs(axes[row * k + axis]) > abs(largest) { largest = axes[row * k + axis] }
            if largest < 0 { for row in 0..<f { axes[row * k + axis].negate() } }
        }
        return axes.map { Float($0) }
    }
}
