import Tensors
import Workers

/// A search for the nearest neighbors of each row of a matrix among its other rows.
package enum NearestRows {
    /// Block sizes: rows compared at once, and the columns of the product that stay in a core's cache.
    private static let rowBlock = 128, columnBlock = 1024

    /// Returns, for every row, the `count` other rows with the largest inner product, in descending order, ties by
    /// lower row: `[N, count]` indices, padded with -1. For rows of unit length the product is the cosine similarity.
    ///
    /// The result is independent of the thread count: a block of rows is one task. Cost: 2·N²·d flops.
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

        /// Inserts the columns that are among the best of `row`.
        private func take(_ product: UnsafePointer<Float>, _ width: Int, from start: Int, for row: Int) {
            let values = self.values.pointer + row * count, indices = self.indices.pointer + row * count
            var column = 0
            while column < width {
                // Most columns contain no candidate: skip eight at a time.
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
