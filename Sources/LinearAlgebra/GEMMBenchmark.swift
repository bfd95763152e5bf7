import Tensors
import Workers

/// A product `C = op(A)·op(B)`: `op(A)` is `[m, k]`, `op(B)` is `[k, n]`.
package struct GEMMShape: Hashable, Sendable, Codable, CustomStringConvertible {
    package var m, n, k: Int
    /// Whether the matrix is stored transposed.
    package var transA, transB: Bool

    /// - Precondition: extents of at least 1.
    package init(_ m: Int, _ n: Int, _ k: Int, transA: Bool = false, transB: Bool = false) {
        precondition(m >= 1 && n >= 1 && k >= 1, "GEMMShape: extents must be at least 1")
        (self.m, self.n, self.k, self.transA, self.transB) = (m, n, k, transA, transB)
    }

    /// The number of floating-point operations, `2·m·n·k`.
    package var flops: Double { 2 * Double(m) * Double(n) * Double(k) }
    /// The form of the product: `A·B`, `Aᵀ·B`…
    package var form: String { (transA ? "Aᵀ" : "A") + "·" + (transB ? "Bᵀ" : "B") }
    /// The extents M×N×K, such as `96×32×288`.
    package var extents: String { "\(m)×\(n)×\(k)" }
    package var description: String { "\(extents) \(form)" }
}

/// The measured throughput of one shape, and samples of its result.
package struct GEMMMeasurement: Sendable, Equatable {
    package var shape: GEMMShape
    /// GFLOP/s of a single thread.
    package var gflopsOne: Double
    /// GFLOP/s of all threads together, each computing a product of its own.
    package var gflopsAll: Double
    /// Up to 16 evenly spaced elements of `C`, for inputs that depend only on the shape.
    package var samples: [Float]
    /// The largest difference of the samples from sums in Double, relative to the largest of those sums.
    package var largestError: Double
}

/// Measures the throughput of `sgemm` on given shapes, and keeps enough of the results to compare libraries.
package enum GEMMBenchmark {
    /// The duration of a measurement.
    package struct Effort: Sendable {
        /// The number of timings whose median is the result; at most three if one product takes over half a second.
        package var timings: Int
        /// The minimum duration of one timing, in seconds.
        package var seconds: Double

        /// - Precondition: at least one timing.
        package init(timings: Int, seconds: Double) {
            precondition(timings >= 1, "GEMMBenchmark: at least one timing")
            (self.timings, self.seconds) = (timings, seconds)
        }

        package static let thorough = Effort(timings: 9, seconds: 0.01)
        package static let quick = Effort(timings: 5, seconds: 0.002)
    }

    /// The maximum number of elements of a result that are kept.
    package static let sampleCount = 16

    /// Measures `shape` on the calling thread, then on all threads of `pool`.
    package static func measure(_ shape: GEMMShape, pool: WorkerPool, effort: Effort) -> GEMMMeasurement {
        let work = Work(shape, workers: pool.threads)
        let one = rate(work, pool: nil, effort)
        let all = pool.threads == 1 ? one : rate(work, pool: pool, effort)
        let samples = work.samplePositions.map { work.c[$0] }
        let exact = work.samplePositions.map(work.exact)
        let scale = exact.reduce(0) { max($0, $1.magnitude) }
        let error = zip(samples, exact).reduce(0) { max($0, (Double($1.0) - $1.1).magnitude) }
        return GEMMMeasurement(
            shape: shape, gflopsOne: one, gflopsAll: all, samples: samples,
            largestError: error == 0 ? 0 : error / scale)
    }

    private static func rate(_ work: Work, pool: WorkerPool?, _ effort: Effort) -> Double {
        func seconds() -> Double {
            let start = MonotonicClock.nanoseconds()
            if let pool { pool.run(work, tasks: pool.threads) } else { work.run(task: 0, worker: 0) }
            return max(Double(MonotonicClock.nanoseconds() - start) * 1e-9, 1e-9)
        }
        work.repeats = 1
        _ = seconds()
        var one = seconds()
        // A single timing of a short product is mostly clock and pool overhead: estimate again from many.
        work.repeats = max(1, Int(effort.seconds / 10 / one))
        if work.repeats > 1 { one = seconds() / Double(work.repeats) }
        work.repeats = max(1, Int((effort.seconds / one).rounded(.up)))
        let timings = one > 0.5 ? min(3, effort.timings) : effort.timings
        let times = (0..<timings).map { _ in seconds() }.sorted()
        let flops = work.shape.flops * Double(work.repeats) * Double(pool?.threads ?? 1)
        return flops / times[timings / 2] * 1e-9
    }

    private final class Work: ParallelWork {
        let shape: GEMMShape
        var repeats = 1
        /// One matrix per worker; the inputs are the same for all.
        private let a, b: AlignedBuffer<Float>
        let c: AlignedBuffer<Float>

        init(_ shape: GEMMShape, workers: Int) {
            self.shape = shape
            let address = RandomAddress(
                seed: 0, purpose: .test, major: UInt32(truncatingIfNeeded: shape.m),
                minor: UInt32(truncatingIfNeeded: shape.n), stream: UInt32(shape.k & 0xFF_FFFF))
            var stream = RandomStream(address)
            a = Self.copies(workers, of: shape.m * shape.k, &stream)
            b = Self.copies(workers, of: shape.k * shape.n, &stream)
            c = AlignedBuffer(count: workers * shape.m * shape.n)
        }

        /// Fills a buffer with copies of numbers drawn uniformly from [−1, 1).
        private static func copies(_ workers: Int, of count: Int, _ stream: inout RandomStream) -> AlignedBuffer<Float>
        {
            let buffer = AlignedBuffer<Float>(count: workers * count)
            for i in 0..<count { buffer.pointer[i] = 2 * stream.uniform() - 1 }
            for worker in 1..<max(workers, 1) {
                (buffer.pointer + worker * count).update(from: buffer.pointer, count: count)
            }
            return buffer
        }

        func run(task: Int, worker: Int) {
            let (m, n, k) = (shape.m, shape.n, shape.k)
            for _ in 0..<repeats {
                BLAS.gemm(
                    shape.transA ? .yes : .no, shape.transB ? .yes : .no, m: m, n: n, k: k, a: a.pointer + task * m * k,
                    lda: shape.transA ? m : k, b: b.pointer + task * k * n, ldb: shape.transB ? k : n,
                    c: c.pointer + task * m * n, ldc: n)
            }
        }

        /// Evenly spaced positions from the first to the last element of worker 0's `C`.
        var samplePositions: [Int] {
            let count = shape.m * shape.n
            let samples = min(GEMMBenchmark.sampleCount, count)
            return (0..<samples).map { samples == 1 ? 0 : $0 * (count - 1) / (samples - 1) }
        }

        /// Returns the sum at `position` in Double.
        func exact(_ position: Int) -> Double {
            let row = position / shape.n, column = position % shape.n
            var sum = 0.0
            for i in 0..<shape.k {
                let x = a[shape.transA ? i * shape.m + row : row * shape.k + i]
                let y = b[shape.transB ? column * shape.k + i : i * shape.n + column]
                sum += Double(x) * Double(y)
            }
            return sum
        }
    }
}
