import Foundation
import Synchronization
import Tensors

/// A queue of work and the threads that do it: as many as cores, each with its own reader for every model, so that no
/// request waits for another while a core is free, and none affects another's result. Small jobs with tensors that wait
/// one behind another are given to one thread, but not those for which another thread is idle.
final class WorkQueue: @unchecked Sendable {
    struct Job: Sendable {
        /// The time of the monotonic clock, in seconds, after which nobody waits for the response any more.
        var deadline: Double
        /// Whether the client has disconnected.
        var isCancelled: @Sendable () -> Bool
        var work: Work
        /// Called instead of the work if the deadline has passed.
        var expire: @Sendable () -> Void
    }

    enum Work: Sendable {
        case alone(@Sendable ([ModelReader]) -> Void)
        /// Images for a model to classify.
        case tensors(TensorWork)
    }

    let capacity: Int
    /// The maximum number of jobs with tensors that are done together, by model.
    private let batchImages: [Int]
    private let together: @Sendable ([TensorWork], [ModelReader]) -> Void
    private let condition = NSCondition()
    private var jobs: [Job] = []
    private var head = 0
    private var isClosed = false
    /// The number of threads that wait for a job.
    private var idle = 0
    /// The number of threads, callers' among them, that compute tensors.
    private var computing = 0
    /// Signalled when there are jobs again, for the thread that ends those whose deadline passes.
    private let pending = DispatchSemaphore(value: 0)
    /// Readers for small work, which the calling thread does.
    private let spare = Mutex<[ReaderBox]>([])

    /// Starts the threads. Each makes its own readers and then a spare set; requests that arrive earlier wait.
    /// - Parameter together: Does tensors' work for one model.
    init(
        models: [ServedModel], threads: Int, capacity: Int,
        together: @escaping @Sendable ([TensorWork], [ModelReader]) -> Void
    ) {
        self.capacity = capacity
        self.together = together
        batchImages = models.map(\.batchImages)
        for _ in 0..<threads { start(models) }
        let thread = Thread { [weak self, pending] in
            repeat { pending.wait() } while self?.expireWaiting() ?? false
        }
        thread.name = "numeral-deadline"
        thread.start()
    }

    /// Ends waiting jobs when their deadline passes, whatever the threads are doing, until none waits.
    /// - Returns: whether there may be more.
    private func expireWaiting() -> Bool {
        while let deadline = condition.withLock({ head < jobs.count ? jobs[head].deadline : nil }) {
            let rest = deadline - Self.now
            if rest > 0 {
                Thread.sleep(forTimeInterval: min(rest, 1))
                continue
            }
            let late = condition.withLock { head < jobs.count && jobs[head].deadline == deadline ? removeFirst() : nil }
            if let late, !late.isCancelled() { late.expire() }
        }
        return condition.withLock { !isClosed }
    }

    /// Lends idle readers to `work` if there are any and nothing waits; otherwise returns nil. For work that takes less
    /// time than switching threads.
    /// - Parameter ofTensors: Whether the work is tensors; if others are computed, it waits to be computed with more.
    func withSpareReaders<Failure: Error>(
        ofTensors: Bool, _ work: ([ModelReader]) throws(Failure) -> ServiceResponse?
    ) throws(Failure) -> ServiceResponse? {
        let isFree = condition.withLock {
            guard head == jobs.count, !ofTensors || computing == 0 else { return false }
            if ofTensors { computing += 1 }
            return true
        }
        guard isFree else { return nil }
        defer { if ofTensors { condition.withLock { computing -= 1 } } }
        guard let box = spare.withLock({ $0.popLast() }) else { return nil }
        defer { spare.withLock { $0.append(box) } }
        return try work(box.readers)
    }

    /// The readers for all models, used by one thread at a time.
    private struct ReaderBox: @unchecked Sendable {
        let readers: [ModelReader]

        init(_ models: [ServedModel]) {
            readers = models.map { model in
                do {
                    return try ModelReader(model)
                } catch {
                    preconditionFailure("WorkQueue: models are checked when they are loaded, \(error)")
                }
            }
        }
    }

    private func start(_ models: [ServedModel]) {
        let thread = Thread { [weak self] in
            let own = ReaderBox(models), more = ReaderBox(models)
            self?.spare.withLock { $0.append(more) }
            while let jobs = self?.take() { self?.run(jobs, own.readers) }
        }
        thread.stackSize = 8 << 20
        thread.name = "numeral-reader"
        thread.start()
    }

    static var now: Double { ProcessInfo.processInfo.systemUptime }

    /// The number of waiting jobs.
    var waiting: Int { condition.withLock { jobs.count - head } }

    /// Adds a job to the queue.
    /// - Returns: whether there was room.
    func submit(_ job: Job) -> Bool {
        condition.withLock {
            guard !isClosed, jobs.count - head < capacity else { return false }
            jobs.append(job)
            condition.signal()
            if jobs.count - head == 1 { pending.signal() }
            return true
        }
    }

    /// Returns the jobs that the calling thread is to do: one, or several with tensors for the same model. Waits for
    /// them; nil if the queue is closed.
    private func take() -> [Job]? {
        condition.withLock {
            idle += 1
            while head == jobs.count, !isClosed { condition.wait() }
            idle -= 1
            guard head < jobs.count else { return nil }
            guard case .tensors(let first) = jobs[head].work else { return [removeFirst()] }
            computing += 1
            // The other threads that wait have their share.
            let share = (jobs.count - head + idle) / (idle + 1)
            var taken = [removeFirst()]
            while taken.count < min(share, batchImages[first.model]), head < jobs.count,
                case .tensors(let next) = jobs[head].work, next.joins(first)
            {
                taken.append(removeFirst())
            }
            return taken
        }
    }

    /// Does jobs that were taken together, but for those that nobody waits for any more.
    private func run(_ jobs: [Job], _ readers: [ModelReader]) {
        var tensors: [TensorWork] = []
        for job in jobs where !job.isCancelled() {
            guard Self.now <= job.deadline else {
                job.expire()
                continue
            }
            switch job.work {
            case .alone(let work): work(readers)
            case .tensors(let work): tensors.append(work)
            }
        }
        if !tensors.isEmpty { together(tensors, readers) }
        if case .tensors = jobs[0].work { condition.withLock { computing -= 1 } }
    }

    /// Removes the job that has waited longest; the lock is held, and there is one.
    private func removeFirst() -> Job {
        let job = jobs[head]
        head += 1
        if head == jobs.count {
            jobs.removeAll(keepingCapacity: true)
            head = 0
        } else if head >= 1_024 {
            jobs.removeFirst(head)
            head = 0
        }
        return job
    }

    /// Stops accepting jobs. Those that wait are still done.
    func close() {
        condition.withLock {
            isClosed = true
            condition.broadcast()
        }
        pending.signal()
    }
}
