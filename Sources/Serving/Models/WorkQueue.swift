import Foundation
import Synchronization
import Tensors

/// Work that waits its turn, and the threads that do it: as many as cores, each with a reader of its own for every model, so that
/// no request waits for another's while a core is free, and none changes another's answer.
final class WorkQueue: @unchecked Sendable {
    struct Job: Sendable {
        /// Seconds of the monotonic clock after which nobody waits for the answer any more.
        var deadline: Double
        /// Whether the one who asked has gone.
        var isCancelled: @Sendable () -> Bool
        var run: @Sendable ([ModelReader]) -> Void
        /// Instead of `run` where the deadline has passed.
        var expire: @Sendable () -> Void
    }

    let capacity: Int
    private let condition = NSCondition()
    private var jobs: [Job] = []
    private var head = 0
    private var isClosed = false
    /// For small work, done by who asks.
    private let spare = Mutex<[ReaderBox]>([])

    /// Each thread makes its readers itself, and a spare one after: requests that come earlier wait.
    init(models: [ServedModel], threads: Int, capacity: Int) {
        self.capacity = capacity
        for _ in 0..<threads { start(models) }
    }

    /// Lends readers that nobody uses, where there are some and nothing waits; nil otherwise. Work that takes less than a change of
    /// threads may be done so.
    func withSpareReaders<Failure: Error>(
        _ work: ([ModelReader]) throws(Failure) -> ServiceResponse?
    ) throws(Failure) -> ServiceResponse? {
        guard waiting == 0, let box = spare.withLock({ $0.popLast() }) else { return nil }
        defer { spare.withLock { $0.append(box) } }
        return try work(box.readers)
    }

    /// Used by one thread at a time.
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

    /// How much waits.
    var waiting: Int { condition.withLock { jobs.count - head } }

    /// - Returns: whether there was room.
    func submit(_ job: Job) -> Bool {
        condition.withLock {
            guard !isClosed, jobs.count - head < capacity else { return false }
            jobs.append(job)
            condition.signal()
            return true
        }
    }

    private func take() -> Job? {
        condition.withLock {
            while head == jobs.count, !isClosed { condition.wait() }
            guard head < jobs.count else { return nil }
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
    }

    /// What waits is still done; nothing new is taken.
    func close() {
        condition.withLock {
            isClosed = true
            condition.broadcast()
        }
    }
}
