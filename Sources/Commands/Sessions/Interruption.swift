import Foundation
import LinearAlgebra
import Synchronization

/// Handles Ctrl-C, SIGTERM and a terminal that is closed: the first signal asks training to stop after the current
/// step, the second ends the program immediately.
enum Interruption {
    /// The first signal received; 0 before.
    private static let signalNumber = Atomic<Int32>(0)

    static var isRequested: Bool { signalNumber.load(ordering: .relaxed) != 0 }

    /// Returns the exit code by the shell's convention: 128 plus the signal's number, on whichever rank it was
    /// received.
    static func exitCode(_ ranks: Ranks) -> Int32 {
        let numbers = ranks.communicator.gather([UInt8(truncatingIfNeeded: signalNumber.load(ordering: .relaxed))])
        return 128 + Int32(numbers.joined().max() ?? 0)
    }

    /// The exit code of a program of one process.
    static var ownExitCode: Int32 { 128 + signalNumber.load(ordering: .relaxed) }

    /// Makes a write beyond a limit on the size of files fail, which is reported, instead of ending the program.
    static func ignoreSizeLimit() { signal(SIGXFSZ, SIG_IGN) }

    /// Explains why the program ends if an allocation fails under a memory limit: SIGABRT alone gives no reason.
    static func explainShortage() {
        guard BLASMemory.isLimited else { return }
        signal(SIGABRT) { _ in
            let text: StaticString =
                "trainer: memory: the limit on this process (ulimit -v or -d) is too little for this command \u{B7} raise it\n"
            _ = write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
            _exit(1)
        }
    }

    static func install() {
        // Initialised before the first signal, since a handler may not do so.
        _ = isRequested
        var handled = sigset_t()
        sigemptyset(&handled)
        for number in [SIGINT, SIGTERM, SIGHUP] {
            let previous = signal(number) { number in
                let first = Interruption.signalNumber.compareExchange(
                    expected: 0, desired: number, ordering: .relaxed)
                if !first.exchanged { _exit(128 + number) }
            }
            // Keep ignoring what the shell has the program ignore (nohup, a background job).
            if unsafeBitCast(previous, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) { signal(number, SIG_IGN) }
            sigaddset(&handled, number)
        }
        // A parent with threads may have started the program with these signals blocked.
        pthread_sigmask(SIG_UNBLOCK, &handled, nil)
    }
}
