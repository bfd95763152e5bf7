import Tensors
import Workers

/// The rows of a matrix that are most like each of its rows.
package enum NearestRows {
    /// Rows that are compared at once with as many columns of the product as stay in a core's cache.
    private static let rowBlock = 128, columnBlock = 1024

    /// Of every row the `count` other rows with the largest inner product, largest first, the lower row first on a tie: `[N, count]`
    /// indices, -1 where there are no more. With rows of length 1 the product is the cosine.
    ///
    /// The same for any thread count: a block of rows is one task. Cost: 2·N²·d flops.
    /// - Parameter rows: `[N, d]`.
    package static func find(_ rows: AlignedBuffer<Float>, d: Int, count: Int, pool: WorkerPool) -> [Int32] {
        precondition(d >= 1 && rows.count % d == 0 && count >= 1, "NearestRows: rows of d floats")
        let n = rows.count / d
        guard n > 0 else { return [] }
        let work = Search(rows, n: n, d: d, count: count, workers: pool.threads)
        pool.run(work, tasks: (n + rowBlock - 1) / rowBlock)
        return work.found
    }

    private final class Search: ParallelWork {
        private let rows: AlignedBuffer<Float>
        private let n, d, count: Int
        private let products, values: AlignedBuffer<Float>
        private let indices: AlignedBuffer<Int32>

        init(_ rows: AlignedBuffer<Float>, n: Int, d: Int, count: Int, workers: Int) {
            (self.rows, self.n, self.d, self.count) = (rows, n, d, count)
            products = AlignedBuffer(count: workers * rowBlock * columnBlock)
            values = AlignedBuffer(count: n * count)
            indices = AlignedBuffer(count: n * count)
            for i in 0..<n * count { (values[i], indices[i]) = (-Float.infinity, -1) }
        }

        var found: [Int32] { indices.array }

        func run(task: Int, worker: Int) {
            let first = task * rowBlock, height = min(rowBlock, n - first)
            let product = products.pointer + worker * rowBlock * columnBlock
            for start in stride(from: 0, to: n, by: columnBlock) {
                let width = min(columnBlock, n - start)
                BLAS.gemm(
                    .no, .yes, m: height, n: width, k: d, a: rows.pointer + first * d, lda: d,
                    b: rows.pointer + start * d, ldb: d, c: product, ldc: columnBlock)
                for row in 0..<height { take(product + row * columnBlock, width, from: start, for: first + row) }
            }
        }

        /// Keeps what is among the best of `row`.
        private func take(_ product: UnsafePointer<Float>, _ width: Int, from start: Int, for row: Int) {
            let values = self.values.pointer + row * count, indices = self.indices.pointer + row * count
            var column = 0
            while column < width {
                // Most columns hold nothing: eight at a time.
                if column + 8 <= width {
                    let eight = UnsafeRawPointer(product + column).loadUnaligned(as: SIMD8<Float>.self)
                    if !any(eight .> SIMD8(repeating: values[count - 1])) {
                        column += 8
                        continue
                    }
                }
                for c in column..<min(column + 8, width) where product[c] > values[count - 1] && start + c != row {
                    var place = count - 1
                    while place > 0, values[place - 1] < product[c] {
                        (values[place], indices[place]) = (values[place - 1], indices[place - 1])
                        place -= 1
                    }
                    (values[place], indices[place]) = (product[c], Int32(start + c))
                }
                column += 8
            }
        }
    }
}
