import Tensors

/// Checks that the linked BLAS multiplies rightly on this CPU. Builds of OpenBLAS return wrong numbers or crash on CPUs
/// younger than they are (its issues 2914, 3152, 2986; races between callers: 1844, 2126).
///
/// All numbers are small integers, so that every sum is exact in Float and a single wrong bit is seen. Each case is
/// compared with plain Swift loops.
public enum BLASSelfTest {
    /// One wrong product.
    public struct Failure: Sendable, Hashable, CustomStringConvertible {
        public let m, n, k: Int
        public let transA, transB: Bool
        public let description: String
    }

    /// A product to try.
    struct Case: Sendable, Hashable {
        var m, n, k: Int
        var transA = false, transB = false
        var alpha: Float = 1, beta: Float = 0
        /// Extra elements at the end of each row.
        var slack = 0
    }

    /// Sizes on both sides of the small-matrix limit of 10⁶ multiply-adds, odd sizes, K = 0, every transposition: a few
    /// milliseconds.
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
        return cases
    }()

    /// What `trainer doctor` runs: a grid of odd and even sizes, all transpositions, α and β; about a second.
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

    /// Products that the long test computes.
    public static var longCaseCount: Int { longCases.count + 16 * quickCases.count }

    /// Runs the test on the calling thread and on `pool`'s threads at once.
    /// - Parameter long: every case, several times, instead of the quick ones once.
    /// - Returns: what failed first, or nil.
    public static func run(pool: WorkerPool, long: Bool = false) -> Failure? {
        let cases = long ? longCases : quickCases
        for (index, test) in cases.enumerated() {
            if let failure = check(test, salt: index) { return failure }
        }
        let together = TogetherWork(cases: quickCases, rounds: long ? 16 : 1)
        pool.run(together, tasks: together.tasks)
        return together.failure
    }

    /// Throws where the BLAS is wrong, naming its core and the remedy.
    public static func require(pool: WorkerPool) throws(OperationError) {
        guard let failure = run(pool: pool) else { return }
        throw error(failure)
    }

    /// The message for a failure.
    public static func error(_ failure: Failure) -> OperationError {
        OperationError(
            "BLAS self-test (\(BLASVendor.backend), core \(BLASVendor.core ?? "unknown"))",
            problem: failure.description,
            remedy: "this build of the library is not sound on this CPU: try OPENBLAS_CORETYPE=Haswell in the "
                + "environment, a newer library, or NUMERAL_BLAS=blis when building")
    }

    /// The same products by several callers at once.
    private final class TogetherWork: ParallelWork {
        private let cases: [Case]
        let tasks: Int
        /// One a task, so that no two threads write the same place.
        private let slots: UnsafeMutableBufferPointer<Failure?>

        init(cases: [Case], rounds: Int) {
            self.cases = cases
            tasks = cases.count * rounds
            slots = .allocate(capacity: tasks)
            slots.initialize(repeating: nil)
        }

        deinit {
            slots.deinitialize()
            slots.deallocate()
        }

        var failure: Failure? { slots.lazy.compactMap { $0 }.first }

        func run(task: Int, worker: Int) { slots[task] = BLASSelfTest.check(cases[task % cases.count], salt: task) }
    }

    /// Computes `test` with BLAS and with loops; nil where they agree bit for bit.
    static func check(_ test: Case, salt: Int) -> Failure? {
        let (m, n, k) = (test.m, test.n, test.k)
        let lda = max(1, test.transA ? m : k) + test.slack, ldb = max(1, test.transB ? k : n) + test.slack
        let ldc = n + test.slack
        let a = integers((test.transA ? k : m) * lda, salt), b = integers((test.transB ? n : k) * ldb, salt &+ 1)
        var c = integers(m * ldc, salt &+ 2)
        var expected = c
        // β = 0 must overwrite whatever is there.
        if test.beta == 0 { c = [Float](repeating: .nan, count: c.count) }
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
        }
        a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                c.withUnsafeMutableBufferPointer { c in
                    guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress else { return }
                    BLAS.gemm(
                        test.transA ? .yes : .no, test.transB ? .yes : .no, m: m, n: n, k: k, alpha: test.alpha, a: a,
                        lda: lda, b: b, ldb: ldb, beta: test.beta, c: c, ldc: ldc)
                }
            }
        }
        for i in 0..<m {
            for j in 0..<n where c[i * ldc + j] != expected[i * ldc + j] {
                return Failure(
                    m: m, n: n, k: k, transA: test.transA, transB: test.transB,
                    description: "sgemm \(m)×\(n)×\(k)\(test.transA ? ", A transposed" : "")"
                        + "\(test.transB ? ", B transposed" : ""), β = \(test.beta) gave \(c[i * ldc + j]) at "
                        + "[\(i), \(j)] where \(expected[i * ldc + j]) is exact")
            }
        }
        return nil
    }

    /// Integers in −3…3 that differ from place to place; at least one, so that there is an address.
    private static func integers(_ count: Int, _ salt: Int) -> [Float] {
        var state = UInt32(truncatingIfNeeded: salt &* 2_654_435_761) | 1
        return (0..<max(count, 1)).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return Float(Int(state >> 24) % 7 - 3)
        }
    }
}
