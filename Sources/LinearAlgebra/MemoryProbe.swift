import Tensors
import Workers

/// Measures main memory bandwidth.
package enum MemoryProbe {
    /// Returns the combined read and write bandwidth of all threads of the pool in GB/s: the best of five passes of
    /// `z = x + y` over blocks larger than any cache, 48 MB per thread. Source: McCalpin, "Memory bandwidth and machine
    /// balance in current high performance computers", 1995 (STREAM's add).
    package static func gigabytesPerSecond(_ pool: WorkerPool) -> Double {
        let work = Addition(workers: pool.threads)
        pool.run(work, tasks: pool.threads)
        var best = Double.infinity
        for _ in 0..<5 {
            let start = MonotonicClock.nanoseconds()
            pool.run(work, tasks: pool.threads)
            best = min(best, Double(MonotonicClock.nanoseconds() - start))
        }
        return Double(3 * Addition.floats * MemoryLayout<Float>.stride * pool.threads) / best
    }

    private final class Addition: ParallelWork {
        static let floats = 4 << 20
        private let x, y, z: AlignedBuffer<Float>

        init(workers: Int) {
            x = AlignedBuffer(count: workers * Self.floats)
            y = AlignedBuffer(count: workers * Self.floats)
            z = AlignedBuffer(count: workers * Self.floats)
        }

        func run(task: Int, worker: Int) {
            let (x, y, z) = (UnsafePointer(x.pointer), UnsafePointer(y.pointer), z.pointer)
            let first = task * Self.floats
            for i in stride(from: first, to: first + Self.floats, by: 16) { z.setLanes(i, x.lanes(i) + y.lanes(i)) }
        }
    }
}
