import Synchronization
import Tensors
import Workers

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Checks that the linked BLAS computes correct products on this CPU. Some builds of OpenBLAS return wrong numbers or
/// crash on CPUs newer than they are (its issues 2914, 3152, 2986; races between callers: 1844, 2126).
///
/// All numbers are small integers, so that every sum is exact in Float and a single wrong bit is detected. Each case is
/// compared with plain Swift loops.
package enum BLASSelfTest {
    /// A product that was computed wrongly.
    package struct Failure: Sendable, Hashable, CustomStringConvertible {
        package let m, n, k: Int
        package let transA, transB: Bool
        package let description: String
    }

    /// A product to test.
    struct Case: Sendable, Hashable {
        var m, n, k: Int
        var transA = false, transB = false
        var alpha: Float = 1, beta: Float = 0
        /// The number of extra elements at the end of each row.
        var slack = 0
    }

    /// Sizes on both sides of the small-matrix limit of 10⁶ multiply-adds, odd sizes, K = 0, K longer than the
    /// libraries' blocks, and every transposition. Takes a few milliseconds.
    static let quickCases: [Case] = {
        var cases: [Case] = []
        for (transA, transB) in [(false, false), (true, false), (false, true), (true, true)] {
            cases.append(Case(m: 17, n: 33, k: 7, transA: transA, transB: transB, slack: 3))
            cases.append(Case(m: 96, n: 32, k: 72, transA: transA, transB: transB))
            cases.append(Case(m: 5, n: 3, k: 0, transA: transA, transB: transB))
            cases.append(Case(m: 1, n: 10, k: 65, transA: transA, transB: transB, alpha: 2, beta: 3))
        }
        cases.append(Case(m: 98, n: 64, k: 159))  // 997,248
        cases.append(Case(m: 101, n: 64, k: 159))  // 1,027,776
        cases.append(Case(m: 288, n: 32, k: 98, transA: true, beta: 1))
        cases.append(Case(m: 8, n: 16, k: 801))
        cases.append(Case(m: 33, n: 40, k: 801, beta: -1))
        cases.append(Case(m: 31, n: 1, k: 50, slack: 2))
        return cases
    }()

    /// The cases of `trainer doctor`: a grid of odd and even sizes, all transpositions, α and β. Takes about a second.
    static let longCases: [Case] = {
        var cases = quickCases
        let extents = [1, 2, 3, 8, 15, 16, 17, 31, 48, 64, 97]
        for (index, m) in extents.enumerated() {
            for (other, n) in extents.enumerated() {
                let k = [0, 1, 5, 16, 33, 64, 130, 257][(index * 3 + other) % 8]
                for combination in 0..<4 {
                    cases.append(
                        Case(
                            m: m, n: n, k: k, transA: combination & 1 == 1, transB: combination & 2 == 2,
                            alpha: [1, -1, 2][(index + other) % 3], beta: [0, 1, -2][(index + combination) % 3],
                            slack: (index + other) % 5))
                }
            }
        }
        for combination in 0..<4 {
            let transA = combination & 1 == 1, transB = combination & 2 == 2
            for (m, n, k) in [(784, 32, 288), (100, 100, 100), (101, 100, 100), (129, 257, 300), (8, 256, 3136)] {
                cases.append(Case(m: m, n: n, k: k, transA: transA, transB: transB))
            }
        }
        return cases
    }()

    /// The number of products in the long test.
    package static var longCaseCount: Int { longCases.count }

    /// Runs the cases on the calling thread, then the quick ones on all threads of `pool` concurrently.
    /// - Parameter long: every case instead of the quick ones only, and more concurrent rounds.
    /// - Returns: the first failure, or nil.
    package static func run(pool: WorkerPool, long: Bool = false) -> Failure? {
        var quick: [Trial] = []
        for (index, test) in (long ? longCases : quickCases).enumerated() {
            let trial = Trial(test, salt: index)
            if let failure = trial.failure() { return failure }
            // The quick cases come first in both lists.
            if index < quickCases.count { quick.append(trial) }
        }
        guard pool.threads > 1 else { return nil }
        let together = TogetherWork(
            trials: quick, callers: pool.threads, rounds: long ? 16 : 2, patience: long ? 1_000_000_000 : 50_000_000)
        pool.run(together, tasks: pool.threads)
        return together.failure
    }

    /// Throws if the BLAS is wrong, naming its core and the remedy, or if it lacks memory for the pool's threads.
    package static func require(pool: WorkerPool) throws(OperationError) {
        try BLASMemory.require(callers: pool.threads)
        guard let failure = run(pool: pool) else { return }
        throw error(failure)
    }

    /// Returns the error for a failure.
    package static func error(_ failure: Failure) -> OperationError {
        OperationError(
            "BLAS self-test (\(BLASVendor.backend), core \(BLASVendor.core ?? "unknown"))",
            problem: failure.description,
            remedy: "this build of the library is not sound on this CPU: try OPENBLAS_CORETYPE=Haswell in the "
                + "environment, a newer library, or NUMERAL_BLAS=blis when building")
    }

    /// The same products by several callers concurrently, which do nothing else and continue until enough calls have
    /// overlapped.
    private final class TogetherWork: ParallelWork {
        private let trials: [Trial]
        private let callers: Int
        /// The minimum number of times that each caller goes through the trials.
        private let rounds: Int
        /// Nanoseconds to wait for calls to overlap: on a busy machine a caller may not get a core.
        private let patience: Int
        private let arrived = Atomic(0), inside = Atomic(0), meetings = Atomic(0), failures = Atomic(0)
        /// One slot per caller, so that no two threads write to the same location.
        private let slots: UnsafeMutableBufferPointer<Failure?>
        private static let enoughMeetings = 32

        init(trials: [Trial], callers: Int, rounds: Int, patience: Int) {
            self.trials = trials
            self.callers = callers
            self.rounds = rounds
            self.patience = patience
            slots = .allocate(capacity: callers)
            slots.initialize(repeating: nil)
        }

        deinit {
            slots.deinitialize()
            slots.deallocate()
        }

        var failure: Failure? { slots.lazy.compactMap { $0 }.first }

        func run(task: Int, worker: Int) {
            let start = MonotonicClock.nanoseconds()
            var isPatient: Bool { MonotonicClock.nanoseconds() - start < patience }
            arrived.add(1, ordering: .sequentiallyConsistent)
            while arrived.load(ordering: .acquiring) < callers, isPatient { sched_yield() }
            var round = 0
            while round < rounds || (meetings.load(ordering: .relaxed) < Self.enoughMeetings && isPatient) {
                // Each caller starts at a different trial, so that different products overlap.
                for index in trials.indices {
                    let others = inside.add(1, ordering: .sequentiallyConsistent).oldValue
                    let failure = trials[(index + task * (1 + round)) % trials.count].failure()
                    inside.subtract(1, ordering: .sequentiallyConsistent)
                    if others > 0 { meetings.add(1, ordering: .relaxed) }
                    if failure != nil {
                        slots[task] = failure
                        failures.add(1, ordering: .relaxed)
                    }
                    guard failures.load(ordering: .relaxed) == 0 else { return }
                }
                round += 1
            }
        }
    }

    /// Computes `test` with BLAS and with loops. Returns nil if they agree bit for bit.
    static func check(_ test: Case, salt: Int) -> Failure? { Trial(test, salt: salt).failure() }

    /// The operands of a case and the result that loops compute from them.
    struct Trial: Sendable {
        let test: Case
        private let a, b, before, expected: [Float]
        private let lda, ldb, ldc: Int

        init(_ test: Case, salt: Int) {
            let (m, n, k) = (test.m, test.n, test.k)
            let lda = max(1, test.transA ? m : k) + test.slack, ldb = max(1, test.transB ? k : n) + test.slack
            let ldc = n + test.slack
            let a = BLASSelfTest.integers((test.transA ? k : m) * lda, salt)
            let b = BLASSelfTest.integers((test.transB ? n : k) * ldb, salt &+ 1)
            var c = BLASSelfTest.integers(m * ldc, salt &+ 2)
            var expected = c
            for i in 0..<m {
                for j in 0..<n { expected[i * ldc + j] *= test.beta }
                for p in 0..<k {
                    let left = test.alpha * a[test.transA ? p * lda + i : i * lda + p]
                    if test.transB {
                        for j in 0..<n { expected[i * ldc + j] += left * b[j * ldb + p] }
                    } else {
                        for j in 0..<n { expected[i * ldc + j] += left * b[p * ldb + j] }
                    }
                }
                // β = 0 must overwrite whatever `C` contains.
                if test.beta == 0 { for j in 0..<n { c[i * ldc + j] = .nan } }
            }
            (self.test, self.a, self.b, before, self.expected) = (test, a, b, c, expected)
            (self.lda, self.ldb, self.ldc) = (lda, ldb, ldc)
        }

        /// Computes the product with BLAS. Returns nil if it agrees bit for bit and nothing outside the result was
        /// written.
        func failure() -> Failure? {
            let (m, n, k) = (test.m, test.n, test.k)
            var c = before
            a.withUnsafeBufferPointer { a in
                b.withUnsafeBufferPointer { b in
                    c.withUnsafeMutableBufferPointer { c in
                        guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress else { return }
                        BLAS.gemm(
                            test.transA ? .yes : .no, test.transB ? .yes : .no, m: m, n: n, k: k, alpha: test.alpha,
                            a: a, lda: lda, b: b, ldb: ldb, beta: test.beta, c: c, ldc: ldc)
                    }
                }
            }
            guard let place = c.indices.first(where: { c[$0] != expected[$0] }) else { return nil }
            let (i, j) = (place / ldc, place % ldc)
            return Failure(
                m: m, n: n, k: k, transA: test.transA, transB: test.transB,
                description: "sgemm \(m)×\(n)×\(k)\(test.transA ? ", A transposed" : "")"
                    + "\(test.transB ? ", B transposed" : ""), β = \(test.beta) gave \(c[place]) at "
                    + "[\(i), \(j)]\(j < n ? "" : ", beside the result,") where \(expected[place]) is exact")
        }
    }

    /// Returns pseudorandom integers in −3…3; at least one, so that there is an address.
    private static func integers(_ count: Int, _ salt: Int) -> [Float] {
        var state = UInt32(truncatingIfNeeded: salt &* 2_654_435_761) | 1
        return (0..<max(count, 1)).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return Float(Int(state >> 24) % 7 - 3)
        }
    }
}
