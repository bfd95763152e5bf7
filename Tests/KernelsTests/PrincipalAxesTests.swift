import Kernels
import LinearAlgebra
import Tensors
import TestSupport
import Testing

@Suite("Principal axes")
struct PrincipalAxesTests {
    @Test("symmetricEigenvectors: A·v = λ·v, orthonormal, ascending", arguments: [1, 2, 5, 20])
    func eigenvectors(n: Int) throws {
        var data = TestData(UInt64(n))
        let b = data.doubles(n * n)
        var a = [Double](repeating: 0, count: n * n)
        for i in 0..<n { for j in 0..<n { a[i * n + j] = b[i * n + j] + b[j * n + i] } }
        let found = try #require(LAPACK.symmetricEigenvectors(a, n: n))
        #expect(found.values == found.values.sorted())
        let v = found.vectors
        for column in 0..<n {
            for other in 0..<n {
                let inner = (0..<n).reduce(0.0) { $0 + v[$1 * n + column] * v[$1 * n + other] }
                #expect(abs(inner - (column == other ? 1 : 0)) < 1e-13)
            }
            for row in 0..<n {
                let product = (0..<n).reduce(0.0) { $0 + a[row * n + $1] * v[$1 * n + column] }
                #expect(abs(product - found.values[column] * v[row * n + column]) < 1e-12)
            }
        }
        #expect(LAPACK.symmetricEigenvectors([.nan], n: 1) == nil)
    }

    /// Against the eigenvectors of the whole covariance matrix, made in Double.
    @Test("axes, variances and coordinates", arguments: [(200, 30), (40, 3), (25, 60)])
    func covariance(n: Int, f: Int) throws {
        var data = TestData(UInt64(n * f))
        // Columns of falling spread, mixed, and far from the origin.
        let mixing = data.doubles(f * f)
        var x = [Double](repeating: 0, count: n * f)
        for row in 0..<n {
            let z = data.doubles(f).enumerated().map { $1 * 3 / Double($0 + 1) }
            for column in 0..<f {
                x[row * f + column] = 5 + (0..<f).reduce(0.0) { $0 + z[$1] * mixing[$1 * f + column] }
            }
        }
        let floats = AlignedBuffer(x.map { Float($0) })
        let found = try #require(PrincipalAxes(centring: floats, rows: n, columns: f, count: 2))

        let means = (0..<f).map { c in (0..<n).reduce(0.0) { $0 + x[$1 * f + c] } / Double(n) }
        var covariance = [Double](repeating: 0, count: f * f)
        for row in 0..<n {
            for i in 0..<f {
                for j in 0..<f {
                    covariance[i * f + j] += (x[row * f + i] - means[i]) * (x[row * f + j] - means[j]) / Double(n - 1)
                }
            }
        }
        let exact = try #require(LAPACK.symmetricEigenvectors(covariance, n: f))
        let total = exact.values.reduce(0, +)
        #expect(abs(found.totalVariance - total) < 1e-5 * total)
        for axis in 0..<2 {
            #expect(abs(found.variances[axis] - exact.values[f - 1 - axis]) < 1e-5 * total)
            let cosine = (0..<f).reduce(0.0) {
                $0 + Double(found.axes[$1 * 2 + axis]) * exact.vectors[$1 * f + f - 1 - axis]
            }
            #expect(abs(abs(cosine) - 1) < 1e-5)
            for row in 0..<n {
                let exact = (0..<f).reduce(0.0) {
                    $0 + (x[row * f + $1] - means[$1]) * Double(found.axes[$1 * 2 + axis])
                }
                #expect(abs(Double(found.coordinates[row * 2 + axis]) - exact) < 1e-4 * total.squareRoot())
            }
            let column = (0..<f).map { found.axes[$0 * 2 + axis] }
            #expect((column.max { abs($0) < abs($1) } ?? 0) > 0)
        }
    }

    @Test("points on a line, equal points, one point, one column")
    func degenerate() throws {
        let line = AlignedBuffer((0..<20).flatMap { [Float($0), 2 * Float($0), 0, 0] })
        let found = try #require(PrincipalAxes(centring: line, rows: 20, columns: 4, count: 2))
        #expect(abs(found.variances[0] - found.totalVariance) < 1e-5 * found.totalVariance)
        #expect(abs(found.variances[1]) < 1e-5 * found.totalVariance)
        #expect(abs(found.axes[2] - 2 * found.axes[0]) < 1e-5)
        for (rows, columns) in [(6, 3), (1, 3)] {
            let equal = AlignedBuffer([Float](repeating: 3, count: rows * columns))
            let axes = try #require(PrincipalAxes(centring: equal, rows: rows, columns: columns, count: 2))
            #expect(axes.totalVariance == 0 && axes.coordinates.allSatisfy { $0 == 0 })
        }
        let column = try #require(
            PrincipalAxes(centring: AlignedBuffer<Float>([1, 2, 6]), rows: 3, columns: 1, count: 1))
        #expect(column.coordinates == [-2, -1, 3] && column.variances[0] == 7)
        let broken = AlignedBuffer<Float>([1, .nan, 2, 3])
        #expect(PrincipalAxes(centring: broken, rows: 2, columns: 2, count: 1) == nil)
    }
}
