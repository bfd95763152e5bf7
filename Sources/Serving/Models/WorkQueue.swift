import Foundation
import Synchronization
import Tensors

/// A queue of work and the threads that do it: as many as cores, each with its own reader for every model, so that no
/// request waits for another while a core is free, and none affects another's result.
final class WorkQueue: @unchecked Sendable {
    struct Job: Sendable {
        /// The time of the monotonic clock, in seconds, after which nobody waits for the response any more.
        var deadline: Double
        /// Whether the client has disconnected.
        var isCancelled: @Sendable () -> Bool
        var run: @Sendable ([ModelReader]) -> Void
        /// Called instead of `run` if the deadline has passed.
        var expire: @Sendable () -> Void
    }

    let capacity: Int
    private let condition = NSCondition()
    private var jobs: [Job] = []
    private var head = 0
    private var isClosed = false
    /// Signalled when there are jobs again, for the thread that ends those whose deadline passes.
    private let pending = DispatchSemaphore(value: 0)
    /// Readers for small work, which the calling thread does.
    private let spare = Mutex<[ReaderBox]>([])

    /// Starts the threads. Each makes its own readers and then a spare set; requests that arrive earlier wait.
    init(models: [ServedModel], threads: Int, capacity: Int) {
        self.capacity = capacity
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
    func withSpareReaders<Failure: Error>(
        _ work: ([ModelReader]) throws(Failure) -> ServiceResponse?
    ) throws(Failure) -> ServiceResponse? {
        guard waiting == 0, let box = spare.withLock({ $0.popLast() }) else { return nil }
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
            while let job = self?.take() {
                if job.isCancelled() {
                } else if Self.now > job.deadline {
                    job.expire()
                } else {
                    job.run(own.readers)
                }
            }
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

    private func take() -> Job? {
        condition.withLock {
            while head == jobs.count, !isClosed { condition.wait() }
            return head < jobs.count ? removeFirst() : nil
        }
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
