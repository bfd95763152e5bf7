import Synchronization
import Tensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Work that consists of numbered, independent tasks. A reference type, created once and run many times, so that a
/// training step does not allocate.
package protocol ParallelWork: AnyObject {
    /// Runs task `task` on worker `worker` (0 is the caller). Tasks of one run may execute concurrently; each worker
    /// runs one task at a time, so `worker` can index scratch memory.
    func run(task: Int, worker: Int)
}

/// A pool of threads that share the tasks of a ``ParallelWork``. The assignment of tasks to threads is not
/// deterministic; a result that must not depend on it is kept per task and reduced in task order.
///
/// Workers wait for the next run by spinning for about 20 µs, then sleep. Only one run at a time: `run` must be called
/// from one thread, and not from within a task.
public final class WorkerPool: @unchecked Sendable {
    /// The number of computing threads, including the caller.
    package private(set) var threads: Int

    /// The number of loads that a waiting thread spins through before it sleeps: about 20 µs at 0.2 ns each on a
    /// current x86 server core. A run that wakes sleeping workers costs 20 to 40 µs, one that finds them spinning about
    /// 1 µs.
    private static let spins = 100_000

    private let nextTask = Atomic<Int>(0)
    /// Increases by one with each run; a worker that sees a new value joins in.
    private let generation = Atomic<Int>(0)
    private let busyWorkers = Atomic<Int>(0)
    private let sleepers = Atomic<Int>(0)
    private let stopping = Atomic<Bool>(false)
    /// Detects nested runs.
    private let running = Atomic<Bool>(false)
    private var work: ParallelWork?
    private var taskCount = 0
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var handles: [pthread_t] = []

    /// Creates a pool with fewer threads if the system refuses some, which no result depends on.
    /// - Parameter threads: at least 1; with 1, no thread is created.
    package init(threads: Int) {
        precondition(threads >= 1, "WorkerPool: threads must be at least 1, received \(threads)")
        self.threads = threads
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(wake, nil)
        for worker in 1..<max(threads, 1) where !start(worker) {
            // The threads that exist wait for their first run, and read the number no sooner.
            self.threads = worker
            break
        }
    }

    /// Creates a pool of exactly so many threads.
    /// - Throws: An `OperationError` if the system refuses some.
    package static func exactly(threads: Int) throws(OperationError) -> WorkerPool {
        let pool = WorkerPool(threads: threads)
        guard pool.threads == threads else {
            pool.shutdown()
            throw OperationError(
                "threads", problem: "the system allows \(pool.threads) of \(threads)",
                remedy: "use fewer, or raise the limit of processes or of memory (ulimit, a container's pids)")
        }
        return pool
    }

    // Each thread retains the pool until it exits, so none is left here.
    deinit {
        pthread_cond_destroy(wake)
        pthread_mutex_destroy(mutex)
        wake.deallocate()
        mutex.deallocate()
    }

    /// Ends the threads. The pool must not be used afterwards; a pool that is never shut down keeps its threads.
    package func shutdown() {
        guard !handles.isEmpty else { return }
        stopping.store(true, ordering: .sequentiallyConsistent)
        generation.add(1, ordering: .sequentiallyConsistent)
        pthread_mutex_lock(mutex)
        pthread_cond_broadcast(wake)
        pthread_mutex_unlock(mutex)
        for handle in handles { pthread_join(handle, nil) }
        handles = []
    }

    /// Runs tasks 0..<`tasks` of `work` and returns when all are done. Writes made in one run are visible in the next.
    package func run(_ work: ParallelWork, tasks: Int) {
        guard tasks > 1, threads > 1 else {
            for task in 0..<max(tasks, 0) { work.run(task: task, worker: 0) }
            return
        }
        precondition(!stopping.load(ordering: .relaxed), "WorkerPool: run after shutdown")
        precondition(
            !running.exchange(true, ordering: .acquiring), "WorkerPool: run inside a run, or from two threads at once")
        self.work = work
        taskCount = tasks
        nextTask.store(0, ordering: .relaxed)
        busyWorkers.store(threads - 1, ordering: .relaxed)
        generation.add(1, ordering: .sequentiallyConsistent)
        if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
            pthread_mutex_lock(mutex)
            pthread_cond_broadcast(wake)
            pthread_mutex_unlock(mutex)
        }
        takeTasks(worker: 0)
        // Every worker must have seen this run before the next one may begin. They are at most one task behind, so spin
        // first and then yield the core.
        var spun = 0
        while busyWorkers.load(ordering: .acquiring) > 0 {
            spun += 1
            if spun > Self.spins { sched_yield() }
        }
        // All workers have left the run: between runs the pool retains no work.
        self.work = nil
        running.store(false, ordering: .releasing)
    }

    private func takeTasks(worker: Int) {
        guard let work else { return }
        let count = taskCount
        while true {
            let task = nextTask.add(1, ordering: .relaxed).oldValue
            guard task < count else { return }
            work.run(task: task, worker: worker)
        }
    }

    /// Starts a worker's thread. Answers whether the system allowed it.
    private func start(_ worker: Int) -> Bool {
        final class Start {
            let pool: WorkerPool
            let worker: Int
            init(_ pool: WorkerPool, _ worker: Int) {
                self.pool = pool
                self.worker = worker
            }
        }
        let retained = Unmanaged.passRetained(Start(self, worker)), context = retained.toOpaque()
        #if canImport(Darwin)
            var handle: pthread_t?
        #else
            var handle = pthread_t()
        #endif
        let status = pthread_create(
            &handle, nil,
            { raw in
                #if canImport(Darwin)
                    let start = Unmanaged<Start>.fromOpaque(raw).takeRetainedValue()
                #else
                    guard let raw else { return nil }
                    let start = Unmanaged<Start>.fromOpaque(raw).takeRetainedValue()
                #endif
                start.pool.serve(worker: start.worker)
                return nil
            }, context)
        guard status == 0 else {
            retained.release()
            return false
        }
        #if canImport(Darwin)
            if let handle { handles.append(handle) }
        #else
            handles.append(handle)
        #endif
        return true
    }

    private func serve(worker: Int) {
        var seen = 0
        while true {
            seen = waitForGeneration(after: seen)
            if stopping.load(ordering: .sequentiallyConsistent) { return }
            takeTasks(worker: worker)
            busyWorkers.subtract(1, ordering: .releasing)
        }
    }

    private func waitForGeneration(after seen: Int) -> Int {
        for _ in 0..<Self.spins {
            let current = generation.load(ordering: .acquiring)
            if current != seen { return current }
        }
        pthread_mutex_lock(mutex)
        sleepers.add(1, ordering: .sequentiallyConsistent)
        var current = generation.load(ordering: .sequentiallyConsistent)
        while current == seen {
            pthread_cond_wait(wake, mutex)
            current = generation.load(ordering: .sequentiallyConsistent)
        }
        sleepers.subtract(1, ordering: .sequentiallyConsistent)
        pthread_mutex_unlock(mutex)
        return current
    }
}
