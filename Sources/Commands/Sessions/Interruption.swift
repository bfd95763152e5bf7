import Foundation
import LinearAlgebra
import Synchronization

/// Ctrl-C, SIGTERM and a terminal that goes away: the first asks the running step to be the last, the second ends the
/// program at once.
enum Interruption {
    /// The first signal that came; 0 before.
    private static let signalNumber = Atomic<Int32>(0)

    static var isRequested: Bool { signalNumber.load(ordering: .relaxed) != 0 }

    /// What the program ends with, by the shell's convention: 128 and the signal's number, on whichever rank it came.
    static func exitCode(_ ranks: Ranks) -> Int32 {
        let numbers = ranks.communicator.gather([UInt8(truncatingIfNeeded: signalNumber.load(ordering: .relaxed))])
        return 128 + Int32(numbers.joined().max() ?? 0)
    }

    /// The same for a program of one process.
    static var ownExitCode: Int32 { 128 + signalNumber.load(ordering: .relaxed) }

    /// Lets a limit on the size of files make the write fail, which is told, instead of ending the program.
    static func ignoreSizeLimit() { signal(SIGXFSZ, SIG_IGN) }

    /// Under a limit on memory, an allocation that fails ends the program by SIGABRT without a word: says why.
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
        // Made before the first signal: a handler may not.
        _ = isRequested
        var handled = sigset_t()
        sigemptyset(&handled)
        for number in [SIGINT, SIGTERM, SIGHUP] {
            let previous = signal(number) { number in
                let first = Interruption.signalNumber.compareExchange(
                    expected: 0, desired: number, ordering: .relaxed)
                if !first.exchanged { _exit(128 + number) }
            }
            // What the shell has the program ignore (nohup, a job in the background) it goes on ignoring.
            if unsafeBitCast(previous, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) { signal(number, SIG_IGN) }
            sigaddset(&handled, number)
        }
        // A parent with threads may have started the program with these blocked.
        pthread_sigmask(SIG_UNBLOCK, &handled, nil)
    }
}
