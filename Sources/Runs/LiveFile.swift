import Formats
import Foundation
import Tensors
import Training

/// A file that is appended to during a run. After a crash its end may be torn, but what was there at the last
/// checkpoint is intact; a resumed run truncates the file to that.
package final class LiveFile {
    /// The file's name in the run folder.
    package let name: String
    package let url: URL
    /// The length in bytes.
    package private(set) var length: Int
    private let handle: FileHandle

    /// - Parameter count: the number of bytes of an existing file to keep; a shorter file is truncated to nothing.
    init(_ url: URL, name: String, keeping count: Int) throws(OperationError) {
        self.name = name
        self.url = url
        let descriptor = Foundation.open(url.path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw Self.failure(url, AtomicFile.systemReason(errno)) }
        handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        do {
            let end = try handle.seekToEnd()
            length = UInt64(count) <= end ? count : 0
            try handle.truncate(atOffset: UInt64(length))
        } catch {
            throw Self.failure(url, AtomicFile.reason(error))
        }
    }

    /// Appends `data` without syncing it.
    /// - Throws: `OperationError` with the path and the system's reason.
    package func append(_ data: Data) throws(OperationError) {
        do {
            try handle.write(contentsOf: data)
            length += data.count
        } catch {
            throw Self.failure(url, AtomicFile.reason(error))
        }
    }

    /// Appends `text` as UTF-8 without syncing it.
    /// - Throws: `OperationError` with the path and the system's reason.
    package func append(_ text: String) throws(OperationError) { try append(Data(text.utf8)) }

    func synchronize() throws(OperationError) {
        do {
            try handle.synchronize()
        } catch {
            throw Self.failure(url, AtomicFile.reason(error))
        }
    }

    func close() { try? handle.close() }

    private static func failure(_ url: URL, _ reason: String) -> OperationError {
        OperationError("writing \(url.path)", problem: reason)
    }
}
