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
                return
            }
            Foundation.close(descriptor)
        }
    }

    deinit { release() }

    /// Removes the file and lets go.
    func release() {
        guard descriptor >= 0 else { return }
        unlink(path)
        Foundation.close(descriptor)
        descriptor = -1
    }
}
