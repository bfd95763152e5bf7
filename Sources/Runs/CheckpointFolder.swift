import Formats
import Foundation
import Tensors
import Training

/// The `checkpoints/` of a run: the newest few `epoch-<epoch in progress>-step-<its steps done>.safetensors`.
package struct CheckpointFolder: Hashable, Sendable {
    package let url: URL

    /// Refers to the folder of a run; nothing is checked or created.
    package init(of run: RunFolder) { url = run.url.appendingPathComponent("checkpoints", isDirectory: true) }

    /// A file named like a checkpoint.
    struct Entry: Comparable {
        let epoch: Int
        let step: Int
        let name: String

        init(_ state: TrainingProgress) {
            (epoch, step) = (state.epoch, state.step)
            name = "epoch-\(Text.padded(epoch, 4))-step-\(Text.padded(step, 6)).safetensors"
        }

        init?(name: String) {
            guard let match = name.wholeMatch(of: /epoch-([0-9]{4,9})-step-([0-9]{6,9})\.safetensors/),
                let epoch = Int(match.1), let step = Int(match.2)
            else { return nil }
            (self.epoch, self.step, self.name) = (epoch, step, name)
        }

        static func < (a: Entry, b: Entry) -> Bool { (a.epoch, a.step, a.name) < (b.epoch, b.step, b.name) }
    }

    /// Writes a checkpoint atomically, then removes all but the newest `count`.
    ///
    /// - Throws: `OperationError` with the path and the system's reason; the older checkpoints are left as they were.
    /// - Returns: the file.
    @discardableResult
    package func write(_ checkpoint: Checkpoint, keeping count: Int) throws(OperationError) -> URL {
        precondition(count >= 1, "CheckpointFolder: at least one must be kept")
        try RunFolder.createFolders(url)
        let entry = Entry(checkpoint.state.progress)
        let file = url.appendingPathComponent(entry.name)
        try AtomicFile.write(try checkpoint.encoded(), to: file)
        // Newer checkpoints belong to a continuation that was abandoned, so they are removed.
        let older = entries.filter { $0 < entry }
        for stale in entries.filter({ $0 > entry }) + older.dropFirst(count - 1) {
            unlink(url.appendingPathComponent(stale.name).path)
        }
        return file
    }

    /// The entries, newest first.
    var entries: [Entry] {
        ((try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []).compactMap(Entry.init(name:))
            .sorted(by: >)
    }

    /// The file of the newest checkpoint, damaged or not; nil if there is none.
    package var newest: URL? { entries.first.map { url.appendingPathComponent($0.name) } }

    /// A checkpoint, its file, and the errors of the newer ones.
    package struct Found {
        package let checkpoint: Checkpoint
        package let file: URL
        package let damaged: [InputError]
    }

    /// Returns the newest undamaged checkpoint; nil if there are no files at all. Removes what a killed process left
    /// half-written. Call it only while holding the run's lock.
    ///
    /// - Throws: `InputError` if all are damaged, or the newest undamaged one has another version of the format.
    package func newestSound() throws(InputError) -> Found? {
        AtomicFile.removeTemporaries(in: url)
        var damaged: [InputError] = []
        for entry in entries {
            let file = url.appendingPathComponent(entry.name)
            do throws(CheckpointError) {
                let checkpoint = try Self.read(file)
                guard Entry(checkpoint.state.progress) == entry else {
                    throw .damaged(
                        InputError(
                            file.relativePath, expected: "the checkpoint its name says",
                            received: "that of \(Entry(checkpoint.state.progress).name)"))
                }
                return Found(checkpoint: checkpoint, file: file, damaged: damaged)
            } catch {
                guard case .damaged(let reason) = error else { throw error.inputError }
                damaged.append(reason)
            }
        }
        guard let first = damaged.first else { return nil }
        throw InputError(
            url.relativePath, expected: "a sound checkpoint",
            received: "\(damaged.count) damaged, the newest: \(first)",
            remedy: "remove the folder to begin the run anew")
    }

    private static func read(_ file: URL) throws(CheckpointError) -> Checkpoint {
        let data: Data
        do {
            data = try Data(contentsOf: file)
        } catch {
            throw .damaged(
                InputError(file.relativePath, expected: "a file that can be read", received: AtomicFile.reason(error)))
        }
        return try Checkpoint.decode(data, name: file.relativePath)
    }
}
