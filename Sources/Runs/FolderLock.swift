import Formats
import Foundation
import Tensors
import Training

/// The right to write into a folder, held by one process at a time: `flock` on a file `.lock` in it, which the system
/// lets go of when the process ends, however it ends.
package final class FolderLock {
    private var descriptor: Int32
    private let path: String

    /// - Throws: `OperationError` where another process holds the folder (it names it), or no file can be made there.
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
            // The file may have been removed by the one who held it, between its opening here and its lock.
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

    /// Who holds it, for those who would ask this process to stop.
    private func writeHolder() {
        let text = "\(ProcessInfo.processInfo.processIdentifier)\n"
        // A file of the process before, killed, has its number. Where the disk is full nobody is named.
        guard ftruncate(descriptor, 0) == 0 else { return }
        _ = text.withCString { write(descriptor, $0, strlen($0)) }
    }

    /// The process of this machine that holds `folder`, where it lives; nil: none.
    package static func holder(_ folder: URL) -> Int32? {
        let path = folder.appendingPathComponent(".lock").path
        guard let text = try? String(contentsOfFile: path, encoding: .utf8),
            let process = Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)), process > 1,
            kill(process, 0) == 0 || errno == EPERM
        else { return nil }
        return process
    }

    /// Asks the process that holds `folder` to end, as Ctrl-C does: a training writes its checkpoint first.
    /// - Throws: an `OperationError` where none holds it, or it cannot be asked.
    package static func stopHolder(_ folder: URL) throws(OperationError) {
        let nobody = OperationError(folder.lastPathComponent, problem: "no process writes to it")
        guard let process = holder(folder) else { throw nobody }
        let descriptor = open(folder.appendingPathComponent(".lock").path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw nobody }
        defer { Foundation.close(descriptor) }
        // Its number may be another process's by now: whoever holds the lock still is the one.
        guard flock(descriptor, LOCK_SH | LOCK_NB) != 0 else { throw nobody }
        guard kill(process, SIGTERM) == 0 else {
            throw OperationError(
                folder.lastPathComponent, problem: "asking process \(process): \(AtomicFile.systemReason(errno))")
        }
    }

    /// Removes the file and lets go.
    package func release() {
        guard descriptor >= 0 else { return }
        unlink(path)
        Foundation.close(descriptor)
        descriptor = -1
    }
}
