import Foundation
import LinearAlgebra
import Numeral
import Workers

/// What programs beside `trainer` need of it.
extension CommandLineProgram {
    package static var version: String { Numeral.version }

    /// To stderr.
    package static func message(_ text: String) { Console.message(text) }

    /// - Throws: an `OperationError` where the BLAS multiplies wrongly on this machine, or memory for so many threads is not to be had.
    package static func requireSoundBLAS(threads: Int) throws {
        try BLASMemory.require(callers: threads)
        let pool = WorkerPool(threads: 1)
        defer { pool.shutdown() }
        try BLASSelfTest.require(pool: pool)
    }

    /// Returns at the first Ctrl-C or SIGTERM; the second ends the program at once.
    package static func waitForSignal() {
        Interruption.install()
        while !Interruption.isRequested { usleep(50_000) }
    }
}
