import Formats
import Foundation
import Tensors
import Training

/// An exclusive lock on writing to a folder, held by one process at a time: `flock` on a file `.lock` in it, which the
/// system releases when the process ends for any reason.
package final class FolderLock {
    private var descriptor: Int32
    private let path: String

    /// - Throws: `OperationError` if another process holds the folder (the error names it), or no file can be created
    ///   there.
    package init(_ folder: URL) throws(OperationError) {
        path = folder.appendingPathComponent(".lock").path
        while true {
            let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
            guard descriptor >= 0 else {
                throw OperationError("writing \(folder.path)", problem: AtomicFile.systemReason(errno))
            }
            guard Self.lock(descriptor) else {
                let code = errno
                Foundation.close(descriptor)
                throw code == EWOULDBLOCK
                    ? OperationError(
                        folder.relativePath, problem: "a running process writes to it",
                        remedy: "wait for its end, or stop it")
                    : OperationError("locking \(path)", problem: AtomicFile.systemReason(code))
            }
            // The previous holder may have removed the file between its being opened and locked here.
            var held = stat(), named = stat()
            if fstat(descriptor, &held) == 0, stat(path, &named) == 0, held.st_ino == named.st_ino,
                held.st_dev == named.st_dev
            {
                self.descriptor = descriptor
                writeHolder()
                return
            }
            Foundation.close(descriptor)
        }
    }

    /// Locks the file; whether nobody holds it. Those who only look (``isHeld(_:)``) hold it for an instant.
    private static func lock(_ descriptor: Int32) -> Bool {
        for attempt in 0..<20 {
            if attempt > 0 { usleep(1_000) }
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
            if errno != EWOULDBLOCK { return false }
        }
        errno = EWOULDBLOCK
        return false
    }

    deinit { release() }

    /// Where a process id has its meaning: this boot of this machine, and in it this container. Empty without /proc.
    private static var namespace: String {
        let container = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid")
        let boot = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
        return [container, boot?.trimmingCharacters(in: .whitespacesAndNewlines)].compactMap { $0 }
            .joined(separator: " ")
    }

    /// Writes this process's id and its namespace to the file, for those who would ask it to stop.
    private func writeHolder() {
        let text = "\(ProcessInfo.processInfo.processIdentifier)\n\(Self.namespace)\n"
        // A file left by a killed process contains that one's id. If the disk is full, no id is written.
        guard ftruncate(descriptor, 0) == 0 else { return }
        _ = text.withCString { write(descriptor, $0, strlen($0)) }
    }

    /// Whether a process holds `folder`, of this machine or in a container that shares the folder.
    package static func isHeld(_ folder: URL) -> Bool {
        let descriptor = open(folder.appendingPathComponent(".lock").path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { Foundation.close(descriptor) }
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }

    /// Asks the process that holds `folder` to end, as Ctrl-C does: a training process writes its checkpoint first.
    /// - Throws: an `OperationError` if no process holds it, or the process cannot be asked.
    package static func stopHolder(_ folder: URL) throws(OperationError) {
        // The id may belong to another process by now; it is the holder only while the lock is held.
        guard isHeld(folder) else { throw OperationError(folder.lastPathComponent, problem: "no process writes to it") }
        let text = try? String(contentsOf: folder.appendingPathComponent(".lock"), encoding: .utf8)
        let lines = text?.split(separator: "\n", omittingEmptySubsequences: false) ?? []
        guard let process = lines.first.flatMap({ Int32($0) }), process > 1, lines.count > 1, lines[1] == namespace
        else {
            throw OperationError(
                folder.lastPathComponent, problem: "the process that writes to it cannot be reached from here",
                remedy: "stop it where it runs")
        }
        guard kill(process, SIGTERM) == 0 else {
            throw OperationError(
                folder.lastPathComponent, problem: "asking process \(process): \(AtomicFile.systemReason(errno))")
        }
    }

    /// Removes the file and releases the lock.
    package func release() {
        guard descriptor >= 0 else { return }
        unlink(path)
        Foundation.close(descriptor)
        descriptor = -1
    }
}
