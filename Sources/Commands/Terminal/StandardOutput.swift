import Foundation
import Synchronization
import Tensors

/// Prints a result to stdout; in this module it stands in place of Swift's own, which drops what cannot be written.
func print(_ items: Any..., separator: String = " ", terminator: String = "\n") {
    StandardOutput.write(items.map { String(describing: $0) }.joined(separator: separator) + terminator)
}

/// Where results go. A disk that is full, a closed descriptor or a pipe that nobody reads makes the command end with 1,
/// once its work is done and its files are written.
///
/// On a terminal a line is there at once. Elsewhere lines that follow within a fifth of a second are written together, so
/// that `trainer … | grep -q …`, which stops reading at the first match, does not cut a short result off.
enum StandardOutput {
    private struct State {
        var pending: [UInt8] = []
        var lastWrite: ContinuousClock.Instant?
        /// Of the first write that failed.
        var errorNumber: Int32?
        var hasWritten = false
    }

    private static let longestWait = Duration.milliseconds(200)
    private static let largestBlock = 1 << 14
    private static let isTerminal = isatty(STDOUT_FILENO) == 1

    private static let state = Mutex(State())

    /// Sees to it that descriptors 0 to 2 are open, so that no file of the command's own gets their number, and that a
    /// closed pipe is an error of the write and not the end of the program.
    static func prepare() {
        signal(SIGPIPE, SIG_IGN)
        atexit { StandardOutput.flush() }
        // What was closed stays unusable: stdin is empty, stdout cannot be written, messages are lost.
        for (descriptor, mode) in [(STDIN_FILENO, O_RDONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_WRONLY)]
        where fcntl(descriptor, F_GETFD) < 0 {
            // The lowest free number, which is this one.
            _ = open("/dev/null", mode)
        }
    }

    /// Writes `text`, now or with what follows.
    static func write(_ text: String) {
        let isDue = state.withLock { state in
            state.pending += text.utf8
            let isLate = state.lastWrite.map { ContinuousClock.now - $0 > longestWait } ?? false
            if state.lastWrite == nil { state.lastWrite = .now }
            return isTerminal || isLate || state.pending.count >= largestBlock
        }
        if isDue { flush() }
    }

    /// Writes all that waits, or notes why that failed. After a failure nothing more is written.
    static func flush() {
        let isCut = state.withLock { state in
            let bytes = state.pending
            state.pending = []
            state.lastWrite = .now
            var written = 0
            while written < bytes.count, state.errorNumber == nil {
                let count = bytes[written...].withUnsafeBytes {
                    Foundation.write(STDOUT_FILENO, $0.baseAddress, $0.count)
                }
                if count >= 0 {
                    written += count
                    state.hasWritten = state.hasWritten || count > 0
                } else if errno == EAGAIN {
                    // Whoever shares the descriptor made it non-blocking.
                    var readiness = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
                    poll(&readiness, 1, -1)
                } else if errno != EINTR {
                    state.errorNumber = errno
                }
            }
            return state.errorNumber == EPIPE && state.hasWritten
        }
        // The reader has had enough (`trainer … | head`): the usual quiet end.
        if isCut {
            signal(SIGPIPE, SIG_DFL)
            raise(SIGPIPE)
        }
    }

    /// Closes stdout.
    /// - Throws: where a result did not reach its place.
    static func finish() throws(OperationError) {
        flush()
        let failure = state.withLock { state in
            if state.errorNumber == nil, state.hasWritten, close(STDOUT_FILENO) != 0 { state.errorNumber = errno }
            return state.errorNumber
        }
        guard let failure else { return }
        throw OperationError(
            "stdout", problem: "results could not be written: \(String(cString: strerror(failure)))",
            remedy: failure == ENOSPC ? "free some space" : "")
    }
}
