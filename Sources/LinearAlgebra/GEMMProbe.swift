import Tensors
import Workers

/// Measures the throughput of `sgemm`.
package enum GEMMProbe {
    /// Returns the GFLOP/s of `[m, k]·[k, n]`, the median of nine timings of at least 10 ms each, after one warm-up.
    /// - Parameter pool: all its threads multiply concurrently, each its own matrices, with one BLAS thread per call;
    ///   nil for the calling thread alone.
    package static func measure(m: Int, n: Int, k: Int, pool: WorkerPool?) -> Double {
        let work = ProbeWork(m: m, n: n, k: k, workers: pool?.threads ?? 1)
        let clock = ContinuousClock()
        func time() -> Double {
            let elapsed = clock.measure {
                if let pool { pool.run(work, tasks: pool.threads) } else { work.run(task: 0, worker: 0) }
            }
            return elapsed / .seconds(1)
        }
        _ = time()
        let flops = 2 * Double(m) * Double(n) * Double(k) * Double(work.repeats * work.workers)
        let rates = (0..<9).map { _ in flops / time() * 1e-9 }.sorted()
        return rates[4]
    }

    private final class ProbeWork: ParallelWork {
        let m, n, k, workers, repeats: Int
        private let a, b, c: AlignedBuffer<Float>

        init(m: Int, n: Int, k: Int, workers: Int) {
            (self.m, self.n, self.k, self.workers) = (m, n, k, workers)
            repeats = max(1, Int(1e9 / (Double(m) * Double(n) * Double(k))))
            a = AlignedBuffer(count: workers * m * k)
            b = AlignedBuffer(count: workers * k * n)
            c = AlignedBuffer(count: workers * m * n)
            for i in 0..<a.count { a[i] = Float(i % 7) - 3 }
            for i in 0..<b.count { b[i] = Float(i % 5) - 2 }
        }

        func run(task: Int, worker: Int) {
            for _ in 0..<repeats {
                BLAS.gemm(
                    m: m, n: n, k: k, a: a.pointer + task * m * k, lda: k, b: b.pointer + task * k * n, ldb: n,
                    c: c.pointer + task * m * n, ldc: n)
            }
        }
    }
}
