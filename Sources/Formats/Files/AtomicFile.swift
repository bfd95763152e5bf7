import Foundation
import Tensors

/// Atomic file writes: files appear whole or not at all.
package enum AtomicFile {
    /// Writes `data` under a temporary name in the folder of `url`, syncs it to disk, renames it to `url` and syncs the
    /// folder: a reader, or the machine after a power failure, finds either the old file or the new one, never a part.
    ///
    /// - Throws: `OperationError` with the path and the system's reason; the temporary file has been removed by then.
    package static func write(_ data: Data, to url: URL) throws(OperationError) {
        let file = try Pieces(url)
        try file.append(data)
        try file.commit()
    }

    /// An atomic write of data that arrives in pieces. The file at `url` changes only on ``commit()``.
    package final class Pieces {
        private let url: URL
        private let temporary: URL
        private let handle: FileHandle
        private var isCommitted = false

        package init(_ url: URL) throws(OperationError) {
            self.url = url
            let (descriptor, temporary) = try open(beside: url)
            self.temporary = temporary
            // Closes the descriptor on deallocation.
            handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        }

        deinit { if !isCommitted { unlink(temporary.path) } }

        package func append(_ data: Data) throws(OperationError) {
            do {
                try handle.write(contentsOf: data)
            } catch {
                throw failure(url, reason(error))
            }
        }

        package func append(_ text: String) throws(OperationError) { try append(Data(text.utf8)) }

        /// Syncs the file and renames it to its final name. Call it once.
        package func commit() throws(OperationError) {
            do {
                try handle.synchronize()
                try handle.close()
            } catch {
                throw failure(url, reason(error))
            }
            guard rename(temporary.path, url.path) == 0 else { throw failure(url, systemReason(errno)) }
            isCommitted = true
            try synchronize(folder: url.deletingLastPathComponent())
        }
    }

    /// Writes `text` as UTF-8; otherwise like `write(_:to:)` for data.
    package static func write(_ text: String, to url: URL) throws(OperationError) {
        try write(Data(text.utf8), to: url)
    }

    /// Creates a temporary file in the folder of `url` that no other process uses.
    private static func open(beside url: URL) throws(OperationError) -> (descriptor: Int32, url: URL) {
        let folder = url.deletingLastPathComponent()
        let process = ProcessInfo.processInfo.processIdentifier
        for attempt in 0..<1000 {
            let candidate = folder.appendingPathComponent(".\(url.lastPathComponent).\(process)-\(attempt).tmp")
            let descriptor = Foundation.open(candidate.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
            if descriptor >= 0 { return (descriptor, candidate) }
            let code = errno
            if code != EEXIST { throw failure(url, systemReason(code)) }
        }
        throw OperationError(
            "writing \(url.path)", problem: "a thousand temporary files of this name exist",
            remedy: "remove \(folder.path)/.\(url.lastPathComponent).*.tmp")
    }

    /// Removes the temporary files that a killed process left in `folder`. Only safe for the sole writer of the folder.
    package static func removeTemporaries(in folder: URL) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        where name.hasPrefix(".") && name.hasSuffix(".tmp") {
            unlink(folder.appendingPathComponent(name).path)
        }
    }

    /// Makes the names in a folder durable. File systems that cannot sync a folder return EINVAL, which is ignored.
    package static func synchronize(folder: URL) throws(OperationError) {
        let descriptor = Foundation.open(folder.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(folder, systemReason(errno)) }
        defer { close(descriptor) }
        if fsync(descriptor) != 0 && errno != EINVAL { throw failure(folder, systemReason(errno)) }
    }

    private static func failure(_ url: URL, _ reason: String) -> OperationError {
        OperationError("writing \(url.path)", problem: reason)
    }

    package static func systemReason(_ code: Int32) -> String { String(cString: strerror(code)) }

    /// Returns the operating system's description of an error, also where a Foundation error wraps it.
    package static func reason(_ error: any Error) -> String {
        let outer = error as NSError
        let inner = outer.userInfo[NSUnderlyingErrorKey] as? NSError ?? outer
        return inner.domain == NSPOSIXErrorDomain
            ? systemReason(Int32(truncatingIfNeeded: inner.code)) : outer.localizedDescription
    }
}
