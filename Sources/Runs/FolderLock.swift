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
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
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

    deinit { release() }

    /// Writes this process's id to the file, for those who would ask it to stop.
    private func writeHolder() {
        let text = "\(ProcessInfo.processInfo.processIdentifier)\n"
        // A file left by a killed process contains that one's id. If the disk is full, no id is written.
        guard ftruncate(descriptor, 0) == 0 else { return }
        _ = text.withCString { write(descriptor, $0, strlen($0)) }
    }

    /// Returns the process of this machine that holds `folder` if it is alive; otherwise nil.
    package static func holder(_ folder: URL) -> Int32? {
        let path = folder.appendingPathComponent(".lock").path
        guard let text = try? String(contentsOfFile: path, encoding: .utf8),
            let process = Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)), process > 1,
            kill(process, 0) == 0 || errno == EPERM
        else { return nil }
        return process
    }

    /// Asks the process that holds `folder` to end, as Ctrl-C does: a training process writes its checkpoint first.
    /// - Throws: an `OperationError` if no process holds it, or the process cannot be asked.
    package static func stopHolder(_ folder: URL) throws(OperationError) {
        let nobody = OperationError(folder.lastPathComponent, problem: "no process writes to it")
        guard let process = holder(folder) else { throw nobody }
        let descriptor = open(folder.appendingPathComponent(".lock").path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw nobody }
        defer { Foundation.close(descriptor) }
        // The id may belong to another process by now; it is the holder only if the lock is still held.
        guard flock(descriptor, LOCK_SH | LOCK_NB) != 0 else { throw nobody }
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
