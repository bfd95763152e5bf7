import Formats
import Foundation
import Tensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Fetches files from mirrors in turn: resumed from a `.part` file, checked by digest, and only then moved into place.
///
/// Use one downloader for all files of a data set: a mirror that could not be reached is not tried again, and until one
/// answers, all of them together get ``DownloadSettings/reachSeconds``.
final class Downloader {
    private let settings: DownloadSettings
    private let progress: DatasetProgress
    private var unreachable: [String: String] = [:]
    private var hasReached = false
    private var reachSpent = 0.0

    /// The largest file accepted if its size is not published.
    static let largestFile = 1 << 30

    init(_ settings: DownloadSettings, progress: @escaping DatasetProgress) {
        self.settings = settings
        self.progress = progress
    }

    /// Fetches `file` into `directory`, unless it is there; waits for another process that is fetching it.
    /// - Throws: `OperationError` that says what happened at each mirror, or that the folder cannot be written.
    func fetch(_ file: DatasetFile, mirrors: [String], into directory: String) throws(OperationError) {
        let target = joined(directory, file.publishedName)
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        } catch {
            throw OperationError(
                directory, problem: "cannot be made: \(error.localizedDescription)", remedy: "set XDG_CACHE_HOME")
        }
        let part = try PartFile(target + ".part")
        if FileManager.default.fileExists(atPath: target) {
            try part.discardIfEmpty()
            return
        }
        var causes: [String] = []
        for (index, mirror) in mirrors.enumerated() {
            if let cause = unreachable[mirror] {
                causes.append("\(mirror): \(cause)")
                continue
            }
            guard let url = URL(string: mirror + file.publishedName) else {
                causes.append("\(mirror): no URL")
                continue
            }
            let left = mirrors[index...].count { unreachable[$0] == nil }
            guard let cause = try attempt(file, url, mirror: mirror, mirrorsLeft: left, part) else {
                try part.move(to: target)
                return
            }
            causes.append("\(url.absoluteString): \(cause)")
        }
        throw OperationError(
            "download of \(file.publishedName)", problem: causes.joined(separator: "; "),
            remedy: "put the files into a folder and name it by --data or NUMERAL_DATA")
    }

    /// Tries one mirror, resuming as long as bytes arrive. Returns nil if the file is complete and correct, else the
    /// cause of the failure.
    private func attempt(
        _ file: DatasetFile, _ url: URL, mirror: String, mirrorsLeft: Int, _ part: PartFile
    ) throws(OperationError) -> String? {
        var resumptions = settings.resumptions
        while true {
            let start = try part.size()
            let cause: String
            switch try transfer(file, url, mirrorsLeft: mirrorsLeft, part, from: start) {
            case (.complete, _):
                guard let mismatch = try wrongDigest(file, part) else { return nil }
                try part.clear()
                if start == 0 { return mismatch }
                // The old partial file may have been at fault: retry from the first byte.
                continue
            case (.unreachable(let message), _):
                unreachable[mirror] = message
                return message
            case (.unwritable(let message), _):
                throw OperationError(part.path, problem: "cannot be written: \(message)")
            case (.refused(let message), _):
                if start == 0 { return message }
                try part.clear()
                continue
            case (.broken(let message), let newBytes):
                if newBytes == 0 { return message }
                cause = message
            }
            if resumptions == 0 { return cause }
            resumptions -= 1
        }
    }

    private func transfer(
        _ file: DatasetFile, _ url: URL, mirrorsLeft: Int, _ part: PartFile, from start: Int
    ) throws(OperationError) -> (Transfer.Outcome, newBytes: Int) {
        let name = file.publishedName
        let progress = self.progress
        let transfer = Transfer(
            into: part.handle, resumedAt: start, largest: file.publishedBytes ?? Self.largestFile
        ) { received, total in progress(.download(file: name, received: received, total: total)) }
        let budget = max(settings.reachSeconds - reachSpent, 0.2) / Double(max(mirrorsLeft, 1))
        let started = Date()
        let outcome = transfer.run(
            url, responseSeconds: hasReached ? settings.responseSeconds : budget, idleSeconds: settings.idleSeconds)
        if transfer.hasResponded { hasReached = true } else { reachSpent += Date().timeIntervalSince(started) }
        return (outcome, transfer.newBytes)
    }

    private func wrongDigest(_ file: DatasetFile, _ part: PartFile) throws(OperationError) -> String? {
        guard let (algorithm, expected) = file.published else { return nil }
        do {
            let digest = try BinaryFile(part.path).digests([algorithm])[0]
            return digest == expected ? nil : "\(algorithm) \(digest) instead of \(expected)"
        } catch {
            throw OperationError(part.path, problem: "\(error)")
        }
    }
}

/// A partially downloaded file, locked against other processes that fetch the same file.
private final class PartFile {
    let path: String
    let handle: FileHandle

    init(_ path: String) throws(OperationError) {
        self.path = path
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw OperationError(path, problem: "cannot be written") }
        handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        guard flock(descriptor, LOCK_EX) == 0 else { throw OperationError(path, problem: "cannot be locked") }
    }

    func size() throws(OperationError) -> Int {
        do { return Int(try handle.seekToEnd()) } catch { throw failure(error) }
    }

    func clear() throws(OperationError) {
        do { try handle.truncate(atOffset: 0) } catch { throw failure(error) }
    }

    /// Removes the file if this process created it needlessly. A file that is not empty may by now be the target
    /// itself, moved into place by another process.
    func discardIfEmpty() throws(OperationError) {
        if try size() == 0 { unlink(path) }
    }

    /// Moves the file to `target` atomically.
    func move(to target: String) throws(OperationError) {
        do { try handle.synchronize() } catch { throw failure(error) }
        guard rename(path, target) == 0 else { throw OperationError(target, problem: "cannot be put in place") }
    }

    private func failure(_ error: any Error) -> OperationError {
        OperationError(path, problem: "cannot be written: \(error.localizedDescription)")
    }
}
