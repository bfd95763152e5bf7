import Foundation
import Synchronization
import Tensors

/// Prints a result to stdout. In this module it replaces Swift's own `print`, which ignores write errors.
func print(_ items: Any..., separator: String = " ", terminator: String = "\n") {
    StandardOutput.write(items.map { String(describing: $0) }.joined(separator: separator) + terminator)
}

/// The destination of results. If they cannot be written, because of a full disk, a closed descriptor or a pipe that
/// nobody reads, the command ends with 1 once its work is done and its files are written.
///
/// On a terminal, lines appear immediately. Elsewhere, lines that follow within a fifth of a second are written
/// together, so that `trainer … | grep -q …`, which stops reading at the first match, does not cut off a short result.
enum StandardOutput {
    private struct State {
        var pending: [UInt8] = []
        var lastWrite: ContinuousClock.Instant?
        /// The error number of the first write that failed.
        var errorNumber: Int32?
        var hasWritten = false
    }

    private static let longestWait = Duration.milliseconds(200)
    private static let largestBlock = 1 << 14
    private static let isTerminal = isatty(STDOUT_FILENO) == 1

    private static let state = Mutex(State())

    /// Ensures that descriptors 0 to 2 are open, so that no file of the command's own gets their number, and that a
    /// closed pipe is a write error rather than the end of the program.
    static func prepare() {
        signal(SIGPIPE, SIG_IGN)
        atexit { StandardOutput.flush() }
        // Descriptors that were closed remain unusable: stdin is empty, stdout cannot be written, messages are lost.
        for (descriptor, mode) in [(STDIN_FILENO, O_RDONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_WRONLY)]
        where fcntl(descriptor, F_GETFD) < 0 {
            // Opens the lowest free number, which is this one.
            _ = open("/dev/null", mode)
        }
    }

    /// Writes `text`, immediately or together with later text.
    static func write(_ text: String) {
        let isDue = state.withLock { state in
            state.pending += text.utf8
            let isLate = state.lastWrite.map { ContinuousClock.now - $0 > longestWait } ?? false
            if state.lastWrite == nil { state.lastWrite = .now }
            return isTerminal || isLate || state.pending.count >= largestBlock
        }
        if isDue { flush() }
    }

    /// Writes all pending text, or records why that failed. After a failure nothing more is written.
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
                    // Another process that shares the descriptor made it non-blocking.
                    var readiness = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
                    poll(&readiness, 1, -1)
                } else if errno != EINTR {
                    state.errorNumber = errno
                }
            }
            return state.errorNumber == EPIPE && state.hasWritten
        }
        // The reader has stopped reading (`trainer … | head`): end quietly, as is usual.
        if isCut {
            signal(SIGPIPE, SIG_DFL)
            raise(SIGPIPE)
        }
    }

    /// Closes stdout.
    /// - Throws: an `OperationError` if a result could not be written.
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
