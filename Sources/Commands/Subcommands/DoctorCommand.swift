import ArgumentParser
import Foundation
import LinearAlgebra
import Numeral
import Workers

/// `trainer doctor`: checks whether this machine and its BLAS are sound and well used.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Check the BLAS thoroughly and measure what this machine can do.")

    @OptionGroup var common: CommonOptions

    func run() throws { try Ranks.join { try run($0) } }

    private func run(_ ranks: Ranks) throws {
        if let threads = common.threads, threads < 1 || threads > 1024 {
            throw InputError("--threads", expected: "an integer in 1…1024", received: "\(threads)")
        }
        let threads = common.threads ?? ranks.threads
        try BLASMemory.require(callers: threads)
        let pool = try WorkerPool.exactly(threads: threads)
        // First, so that the library is set to one thread before it is queried.
        let failure = BLASSelfTest.run(pool: pool, long: true)
        try ranks.check(
            EngineIdentity.current(nil), are: "the engine of rank 0",
            remedy: "train on machines of one kind, with the same build and BLAS")
        guard ranks.isFirst else {
            if let failure { throw BLASSelfTest.error(failure) }
            return ranks.communicator.meet()
        }
        func line(_ name: String, _ value: String) { print(Console.left(name, 18) + value) }
        line("Numeral", "\(Numeral.version), Swift \(Numeral.swiftVersion)")
        line("system", ProcessInfo.processInfo.operatingSystemVersionString)
        line("processor", Machine.processorName)
        line("vector features", Machine.vectorFeatures.joined(separator: " "))
        line(
            "products of bytes",
            QuantizationReport.instructions
                + (QuantizationReport.hasByteProducts
                    ? "" : ": slower than floats (trainer quantize gains nothing here)"))
        line(
            "cores",
            "\(Machine.cores) online, \(Machine.affinity.map(String.init) ?? "?") in the affinity mask, quota "
                + "\(Machine.quota.map(String.init) ?? "none")")
        line("threads", "\(pool.threads) in the pool, \(BLASVendor.threads.map(String.init) ?? "?") in each BLAS call")
        line("MPI", ranks.description ?? "not in this build (NUMERAL_MPI=1 swift build)")
        line("BLAS", BLASVendor.backend + (BLASVendor.version.map { ": \($0)" } ?? ""))
        line("BLAS library", BLASVendor.library ?? "part of this program")
        line("BLAS core", BLASVendor.core ?? "not chosen at run time")
        for key in [
            "OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS", "OPENBLAS_L2_SIZE", "OMP_NUM_THREADS", "BLIS_NUM_THREADS",
            "BLIS_ARCH_TYPE", "MKL_NUM_THREADS", "MKL_ENABLE_INSTRUCTIONS",
        ] {
            if let value = ProcessInfo.processInfo.environment[key] { line("environment", "\(key)=\(value)") }
        }
        line(
            "self-test",
            failure.map { "FAILED: \($0.description)" } ?? "passed (\(BLASSelfTest.longCaseCount) products)")
        if failure == nil { measure(pool, line) }
        for warning in warnings() { print("WARNING  \(warning)") }
        if let failure { throw BLASSelfTest.error(failure) }
        ranks.communicator.meet()
    }

    private func measure(_ pool: WorkerPool, _ line: (String, String) -> Void) {
        for (name, shape) in [("peak, 1024³", (1024, 1024, 1024)), ("tile, 96×32×288", (96, 32, 288))] {
            let one = GEMMProbe.measure(m: shape.0, n: shape.1, k: shape.2, pool: nil)
            let all = GEMMProbe.measure(m: shape.0, n: shape.1, k: shape.2, pool: pool)
            line(
                name,
                "\(Console.fixed(one, 1)) GFLOP/s on one thread, \(Console.fixed(all, 1)) on \(pool.threads) "
                    + "(median of 9)")
        }
    }

    private func warnings() -> [String] {
        var found: [String] = []
        if BLASVendor.family != BLASVendor.expectedFamily {
            found.append(
                "built for \(BLASVendor.backend), but \(BLASVendor.version ?? "another library") answers: see the "
                    + "path above, LD_LIBRARY_PATH and update-alternatives")
        }
        if BLASVendor.family == .reference {
            found.append("the reference BLAS is linked: it is correct and about fifty times slower than OpenBLAS")
        }
        if let core = ProcessInfo.processInfo.environment["OPENBLAS_CORETYPE"], BLASVendor.family == .openBLAS,
            Machine.vectorFeatures.contains("avx512f"), core == "Haswell"
        {
            found.append("OPENBLAS_CORETYPE=Haswell holds OpenBLAS to AVX2 on a CPU that has AVX-512")
        }
        if BLASVendor.family == .blis, BLASVendor.core == "generic" {
            found.append(
                "this BLIS does not know the CPU and runs its portable kernels: BLIS_ARCH_TYPE can name a core")
        }
        if let threads = BLASVendor.threads, threads > 1 {
            found.append("each BLAS call may use \(threads) threads of its own, beside the pool's")
        }
        return found
    }
}
