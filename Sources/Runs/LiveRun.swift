import Formats
import Foundation
import Tensors
import Training

/// The folder of a run in progress: created (or reopened) at the start, locked by one process, and filled step by step.
///
/// | state | in the folder |
/// |---|---|
/// | in progress | `config.json`, `environment.json`, `checkpoints/`, live files, and a `.lock` that a process holds |
/// | unfinished | the same, but no process holds the lock; ``resume(_:)`` opens it |
/// | finished | every file of ``RunFile``; `metrics.json` is written last and marks the run as finished |
///
/// Not thread-safe: use it from one thread at a time.
package final class LiveRun {
    package let folder: RunFolder
    /// Whether the folder was reopened rather than created.
    package let isResumed: Bool
    private let lock: FolderLock
    private var files: [LiveFile] = []
    /// The lengths to which a resumed run truncates its live files; nil for a new run.
    private var restoredLengths: [String: Int]?

    private init(_ folder: RunFolder, isResumed: Bool, lock: FolderLock) {
        self.folder = folder
        self.isResumed = isResumed
        self.lock = lock
    }

    /// Creates a new run folder and locks it; see ``RunFolder/create(in:name:date:timeZone:)``.
    /// - Throws: `OperationError` with the path and the system's reason.
    package static func create(
        in output: URL, name: String, date: Date = Date(), timeZone: TimeZone = .current
    ) throws(OperationError) -> LiveRun {
        let folder = try RunFolder.create(in: output, name: name, date: date, timeZone: timeZone)
        return LiveRun(folder, isResumed: false, lock: try FolderLock(folder.url))
    }

    /// Opens the folder of a run that was begun before and locks it. Temporary files of a killed process are removed.
    /// - Throws: `InputError` if it is not a run folder; `OperationError` if another process holds it or it cannot be
    ///   written.
    package static func resume(_ folder: RunFolder) throws -> LiveRun {
        guard FileManager.default.fileExists(atPath: folder.url(of: .config).path) else {
            var isFolder: ObjCBool = false
            let exists = FileManager.default.fileExists(atPath: folder.url.path, isDirectory: &isFolder)
            throw InputError(
                folder.url.relativePath, expected: "the folder of a run, with \(RunFile.config.rawValue)",
                received: !exists ? "nothing there" : isFolder.boolValue ? "a folder without it" : "a file")
        }
        let run = LiveRun(folder, isResumed: true, lock: try FolderLock(folder.url))
        AtomicFile.removeTemporaries(in: folder.url)
        return run
    }

    /// Opens a file that grows during the run, such as a list of events. In a resumed run, call it after
    /// ``restore(lengths:)``: the file is truncated to the point of resumption, so that nothing is in it twice.
    ///
    /// - Parameter name: the name of a file in the run folder.
    /// - Precondition: each name is opened once.
    /// - Throws: `OperationError` with the path and the system's reason.
    package func open(_ name: String) throws(OperationError) -> LiveFile {
        precondition(!files.contains { $0.name == name }, "LiveRun: \(name) is open already")
        let file = try LiveFile(
            folder.url.appendingPathComponent(name), name: name,
            keeping: isResumed ? restoredLengths?[name] ?? 0 : 0)
        files.append(file)
        return file
    }

    /// Syncs the live files, so that a checkpoint about to be written can refer to them.
    /// - Returns: their lengths in bytes, by name.
    /// - Throws: `OperationError` with the path and the system's reason.
    package func synchronize() throws(OperationError) -> [String: Int] {
        var lengths: [String: Int] = [:]
        for file in files {
            try file.synchronize()
            lengths[file.name] = file.length
        }
        return lengths
    }

    /// Takes the lengths that ``synchronize()`` returned for the checkpoint from which the run resumes.
    package func restore(lengths: [String: Int]) { restoredLengths = lengths }

    /// Closes the live files and releases the folder. Deinitialisation does the same.
    package func close() {
        for file in files { file.close() }
        lock.release()
    }
}

extension RunFolder {
    /// Whether the run is finished: `metrics.json`, which is written last, exists.
    package var isFinished: Bool { FileManager.default.fileExists(atPath: url(of: .metrics).path) }
}
