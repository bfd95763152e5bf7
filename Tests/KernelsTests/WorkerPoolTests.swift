import Synchronization
import Tensors
import Testing
import Workers

@Suite("Worker pool")
struct WorkerPoolTests {
    /// Counts how often each task ran, and fails where a worker runs two tasks at once.
    private final class Counting: ParallelWork {
        let counts = AlignedBuffer<Int>(count: 300)
        let perWorker = AlignedBuffer<Int>(count: 8)
        let overlaps = Atomic<Int>(0)

        func run(task: Int, worker: Int) {
            counts[task] += 1
            perWorker[worker] += 1
            if perWorker[worker] != 1 { overlaps.add(1, ordering: .relaxed) }
            perWorker[worker] -= 1
        }
    }

    @Test("runs every task exactly once, in thousands of runs of varied size", arguments: 1...4)
    func everyTaskOnce(threads: Int) {
        let pool = WorkerPool(threads: threads)
        defer { pool.shutdown() }
        let work = Counting()
        var stream = RandomStream(RandomAddress(seed: 5, purpose: .test, major: UInt32(threads)))
        for run in 0..<5_000 {
            let tasks = stream.integer(below: run.isMultiple(of: 50) ? 300 : 9)
            pool.run(work, tasks: tasks)
            var wrong = 0
            for task in 0..<300 {
                if work.counts[task] != (task < tasks ? 1 : 0) { wrong += 1 }
                work.counts[task] = 0
            }
            #expect(wrong == 0, "run \(run) of \(tasks) tasks")
            if wrong > 0 { return }
        }
        #expect(work.overlaps.load(ordering: .relaxed) == 0)
    }

    /// Each task adds up what the tasks of the run before wrote.
    private final class Chained: ParallelWork {
        let values: [AlignedBuffer<Int>] = [AlignedBuffer(count: 7), AlignedBuffer(count: 7)]
        var source = 0

        func run(task: Int, worker: Int) {
            var sum = 0
            for i in 0..<7 { sum += values[source][i] }
            values[1 - source][task] = sum % 1_000_003 + task
        }
    }

    @Test("what a run wrote is read by the next run and by the caller")
    func visibility() {
        let pool = WorkerPool(threads: 3)
        defer { pool.shutdown() }
        let work = Chained()
        var expected = [Int](repeating: 0, count: 7)
        for run in 0..<5_000 {
            work.source = run % 2
            pool.run(work, tasks: 7)
            let sum = expected.reduce(0, +)
            expected = (0..<7).map { sum % 1_000_003 + $0 }
            #expect(work.values[1 - work.source].array == expected, "run \(run)")
            if work.values[1 - work.source].array != expected { return }
        }
    }

    @Test("workers that fell asleep take part again")
    func sleepers() async throws {
        let pool = WorkerPool(threads: 3)
        defer { pool.shutdown() }
        let work = Counting()
        for _ in 0..<20 {
            try await Task.sleep(for: .milliseconds(2))
            pool.run(work, tasks: 50)
        }
        #expect(work.counts.array == (0..<300).map { $0 < 50 ? 20 : 0 })
    }

    @Test("shutdown ends the threads, twice is harmless, and nothing is kept alive")
    func shutdown() {
        weak var weakWork: Counting?
        weak var weakPool: WorkerPool?
        do {
            let pool = WorkerPool(threads: 3)
            weakPool = pool
            do {
                let work = Counting()
                weakWork = work
                pool.run(work, tasks: 20)
            }
            // The pool forgets the work when the run is over.
            #expect(weakWork == nil)
            pool.shutdown()
            pool.shutdown()
        }
        // A thread holds the pool until it ends.
        #expect(weakPool == nil)
    }

    @Test("pools come and go, with and without work, and no thread outlives its pool's shutdown")
    func manyPools() {
        let work = Counting()
        var alive = 0
        for round in 0..<300 {
            weak var weakPool: WorkerPool?
            do {
                let pool = WorkerPool(threads: 1 + round % 4)
                weakPool = pool
                if round.isMultiple(of: 3) { pool.run(work, tasks: 4) }
                pool.shutdown()
            }
            if weakPool != nil { alive += 1 }
        }
        #expect(alive == 0)
        #expect(work.counts.array == (0..<300).map { $0 < 4 ? 100 : 0 })
    }

    @Test("one thread runs tasks in order on the caller; no tasks are no work")
    func alone() {
        final class Order: ParallelWork {
            var tasks: [Int] = []
            func run(task: Int, worker: Int) { tasks.append(worker == 0 ? task : -1) }
        }
        let work = Order()
        let pool = WorkerPool(threads: 1)
        pool.run(work, tasks: 0)
        pool.run(work, tasks: 5)
        #expect(work.tasks == [0, 1, 2, 3, 4])
        let shared = WorkerPool(threads: 2)
        defer { shared.shutdown() }
        shared.run(work, tasks: 0)
        shared.run(work, tasks: 1)
        #expect(work.tasks == [0, 1, 2, 3, 4, 0])
    }

    @Test("a pool of exactly so many threads") func exactly() throws {
        let pool = try WorkerPool.exactly(threads: 3)
        defer { pool.shutdown() }
        #expect(pool.threads == 3)
    }
}
