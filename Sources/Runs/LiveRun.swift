import Formats
import Foundation
import Tensors
import Training

/// A run folder while its run goes on: made (or opened again) at the start, held by one process, filled bit by bit.
///
/// | state | in the folder |
/// |---|---|
/// | going on | `config.json`, `environment.json`, `checkpoints/`, live files, and a `.lock` that a process holds |
/// | unfinished | the same without anyone who holds the lock; ``resume(_:)`` opens it |
/// | finished | every file of ``RunFile``; `metrics.json` is the last that is written and says so |
///
/// One thread at a time.
package final class LiveRun {
    package let folder: RunFolder
    /// Whether it was opened again rather than made.
    package let isResumed: Bool
    private let lock: FolderLock
    private var files: [LiveFile] = []
    /// Lengths of the live files where a resumed run goes on; nil for a new run.
    private var restoredLengths: [String: Int]?

    private init(_ folder: RunFolder, isResumed: Bool, lock: FolderLock) {
        self.folder = folder
        self.isResumed = isResumed
        self.lock = lock
    }

    /// Makes a new run folder and holds it; see ``RunFolder/create(in:name:date:timeZone:)``.
    /// - Throws: `OperationError` with the path and the system's reason.
    package static func create(
        in output: URL, name: String, date: Date = Date(), timeZone: TimeZone = .current
    ) throws(OperationError) -> LiveRun {
        let folder = try RunFolder.create(in: output, name: name, date: date, timeZone: timeZone)
        return LiveRun(folder, isResumed: false, lock: try FolderLock(folder.url))
    }

    /// Opens the folder of a run that was begun before and holds it. Temporary files of a process that was killed go.
    /// - Throws: `InputError` where it is no run folder; `OperationError` where another process holds it, or it cannot be
    ///   written.
    package static func resume(_ folder: RunFolder) throws -> LiveRun {
        guard FileManager.default.fileExists(atPath: folder.url(of: .config).path) else {
            throw InputError(
                folder.url.relativePath, expected: "the folder of a run, with \(RunFile.config.rawValue)",
                received: FileManager.default.fileExists(atPath: folder.url.path)
                    ? "a folder without it" : "nothing there")
        }
        let run = LiveRun(folder, isResumed: true, lock: try FolderLock(folder.url))
        AtomicFile.removeTemporaries(in: folder.url)
        return run
    }

    /// A file of the run that grows while it goes on, such as a list of events. In a resumed run, call it after
    /// ``restore(lengths:)``: the file is cut to where the run goes on, so that nothing stands in it twice.
    ///
    /// - Parameter name: of a file in the run folder.
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

    /// Syncs the live files, for a checkpoint that is about to be written to refer to.
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

    /// Takes the lengths that ``synchronize()`` gave when the checkpoint was written that the run goes on from.
    package func restore(lengths: [String: Int]) { restoredLengths = lengths }

    /// Closes the live files and lets go of the folder. The end of this object's life does the same.
    package func close() {
        for file in files { file.close() }
        lock.release()
    }
}

extension RunFolder {
    /// Whether the run came to its end: `metrics.json`, which is written last, is there.
    package var isFinished: Bool { FileManager.default.fileExists(atPath: url(of: .metrics).path) }
}
