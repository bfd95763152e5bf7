import LinearAlgebra
import TestSupport
import Testing

@Suite("BLAS and LAPACK")
struct LinearAlgebraTests {
    /// Odd sizes and one on each side of OpenBLAS's small-matrix limit, m·n·k = 10⁶.
    static let sizes: [[Int]] = [
        [1, 1, 1], [2, 3, 1], [1, 17, 33], [33, 1, 5], [5, 7, 11], [16, 16, 16], [31, 33, 17], [64, 10, 97],
        [99, 100, 101], [101, 100, 103], [3, 130, 257],
    ]

    @Test("gemm: all transpositions, padded rows, α and β, against Double", arguments: sizes)
    func gemm(_ size: [Int]) {
        let (m, n, k) = (size[0], size[1], size[2])
        for (transA, transB) in [(false, false), (true, false), (false, true), (true, true)] {
            for (alpha, beta) in [(1.0, 0.0), (0.5, 1.0), (-2.0, -0.75)] {
                var data = TestData(UInt64(m * 1000 + n))
                let a = data.doubles(m * k), b = data.doubles(k * n), c = data.doubles(m * n)
                let storedA = transA ? Reference.transpose(a, rows: m, columns: k) : a
                let storedB = transB ? Reference.transpose(b, rows: k, columns: n) : b
                let widthA = transA ? m : k, widthB = transB ? k : n
                let pa = padded(storedA, widthA), pb = padded(storedB, widthB)
                // β = 0 must overwrite NaN.
                let pc = padded(beta == 0 ? c.map { _ in .nan } : c, n)
                BLAS.gemm(
                    transA ? .yes : .no, transB ? .yes : .no, m: m, n: n, k: k, alpha: Float(alpha), a: pa.pointer,
                    lda: widthA + 3, b: pb.pointer, ldb: widthB + 3, beta: Float(beta), c: pc.pointer, ldc: n + 3)
                let product = Reference.product(a, b, m: m, n: n, k: k)
                let terms = Reference.product(a.magnitudes, b.magnitudes, m: m, n: n, k: k)
                let expected = product.indices.map { alpha * product[$0] + beta * c[$0] }
                let size = terms.indices.map { abs(alpha) * terms[$0] + abs(beta * c[$0]) }
                let all = pc.values
                var found: [Float] = [], gaps: [Float] = []
                for (i, value) in all.enumerated() {
                    if i % (n + 3) < n { found.append(value) } else { gaps.append(value) }
                }
                let name = "\(transA) \(transB) α \(alpha) β \(beta)"
                #expect(sumExcess(found, expected, length: k, terms: size) <= 1, "\(name)")
                #expect(gaps.allSatisfy { $0 == 99 } && pc.isIntact, "\(name)")
            }
        }
    }

    /// Rows of `width` with three more elements of 99 each.
    private func padded(_ values: [Double], _ width: Int) -> GuardedFloats {
        var all: [Float] = []
        for (i, value) in values.enumerated() {
            all.append(Float(value))
            if i % width == width - 1 { all += [99, 99, 99] }
        }
        return GuardedFloats(all)
    }

    @Test("gemm with k = 0 clears C, with m or n = 0 does nothing")
    func empty() {
        let a = GuardedFloats([Float](repeating: 1, count: 9)), b = GuardedFloats([Float](repeating: 1, count: 9))
        let c = GuardedFloats([Float](repeating: .nan, count: 6))
        BLAS.gemm(m: 2, n: 3, k: 0, a: a.pointer, lda: 1, b: b.pointer, ldb: 3, c: c.pointer, ldc: 3)
        #expect(c.values == [0, 0, 0, 0, 0, 0])
        BLAS.gemm(m: 0, n: 3, k: 2, a: a.pointer, lda: 2, b: b.pointer, ldb: 3, c: c.pointer, ldc: 3)
        BLAS.gemm(m: 2, n: 0, k: 2, a: a.pointer, lda: 2, b: b.pointer, ldb: 1, c: c.pointer, ldc: 1)
        #expect(c.values == [0, 0, 0, 0, 0, 0] && c.isIntact)
    }

    @Test("gemm of small integers is exact on both sides of the small-matrix limit", arguments: [96, 112])
    func exactIntegers(_ m: Int) {
        var data = TestData(5)
        let a = data.integers(m * 288, limit: 4), b = data.integers(288 * 32, limit: 4)
        let c = GuardedFloats(count: m * 32)
        let pa = GuardedFloats(a), pb = GuardedFloats(b)
        BLAS.gemm(m: m, n: 32, k: 288, a: pa.pointer, lda: 288, b: pb.pointer, ldb: 32, c: c.pointer, ldc: 32)
        let exact = Reference.product(a.map(Double.init), b.map(Double.init), m: m, n: 32, k: 288)
        #expect(c.values == exact.floats)
    }

    @Test(
        "orthonormal columns: QᵀQ = 1, R = QᵀA upper triangular with a positive diagonal, A = QR",
        arguments: [[1, 1], [4, 1], [5, 5], [17, 3], [288, 32]])
    func orthonormal(_ extents: [Int]) throws {
        let (rows, columns) = (extents[0], extents[1])
        var data = TestData(6)
        let a = data.doubles(rows * columns)
        let q = try #require(LAPACK.orthonormalColumns(a, rows: rows, columns: columns))
        let qt = Reference.transpose(q, rows: rows, columns: columns)
        let gram = Reference.product(qt, q, m: columns, n: columns, k: rows)
        let identity = gram.indices.map { $0 / columns == $0 % columns ? 1.0 : 0.0 }
        #expect(relativeDistance(gram, identity) < 1e-13)
        let r = Reference.product(qt, a, m: columns, n: columns, k: rows)
        for i in 0..<columns {
            #expect(r[i * columns + i] > 0)
            for j in 0..<i { #expect(abs(r[i * columns + j]) < 1e-12) }
        }
        #expect(relativeDistance(Reference.product(q, r, m: rows, n: columns, k: columns), a) < 1e-13)
    }

    @Test("no orthonormal columns for a matrix without full rank or with a NaN")
    func rank() {
        var data = TestData(7)
        let column = data.doubles(6)
        #expect(LAPACK.orthonormalColumns([Double](repeating: 0, count: 12), rows: 6, columns: 2) == nil)
        #expect(LAPACK.orthonormalColumns(column.flatMap { [$0, 3 * $0] }, rows: 6, columns: 2) == nil)
        #expect(LAPACK.orthonormalColumns(column.flatMap { [$0, 0] }, rows: 6, columns: 2) == nil)
        #expect(LAPACK.orthonormalColumns(column.dropLast() + [.nan], rows: 6, columns: 1) == nil)
    }
}
