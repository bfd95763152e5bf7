import Formats
import Foundation
import Numeral
import Runs

/// The folder of a sweep's results: `sweep.json`, and for each trial and seed a result and, while there is more to
/// train, a checkpoint. Every file is written atomically.
struct SweepFolder {
    let url: URL
    private let lock: FolderLock

    /// Creates the folder of `sweep`, or opens an existing one.
    /// - Throws: an ``InputError`` if it contains another sweep, an ``OperationError`` if it cannot be written or
    ///   another process writes to it.
    static func open(_ sweep: Sweep) throws -> SweepFolder {
        let url = URL(fileURLWithPath: sweep.output, isDirectory: true)
            .appendingPathComponent(sweep.name, isDirectory: true)
        do {
            try FileManager.default.createDirectory(
                at: url.appendingPathComponent("trainings"), withIntermediateDirectories: true)
        } catch {
            throw OperationError(
                "creating \(url.path)", problem: AtomicFile.reason(error), remedy: "choose another --output")
        }
        let folder = SweepFolder(url: url, lock: try FolderLock(url))
        AtomicFile.removeTemporaries(in: url)
        AtomicFile.removeTemporaries(in: url.appendingPathComponent("trainings"))
        let file = url.appendingPathComponent("sweep.json")
        let text = sweep.jsonText
        if let stored = try? String(contentsOf: file, encoding: .utf8), stored != text {
            throw InputError(
                file.relativePath, expected: "the same sweep, to go on with it", received: "another one",
                remedy: "give the sweep another name, or remove the folder")
        }
        try AtomicFile.write(text, to: file)
        return folder
    }

    private func place(_ trial: Int, _ seed: UInt64, _ kind: String) -> URL {
        url.appendingPathComponent("trainings", isDirectory: true)
            .appendingPathComponent("trial-\(trial)-seed-\(seed).\(kind)")
    }

    /// Returns the result of a training; nil if there is none or it is damaged.
    func result(_ trial: Int, _ seed: UInt64) -> SweepTraining? {
        guard let data = try? Data(contentsOf: place(trial, seed, "json")) else { return nil }
        return try? JSONDecoder().decode(SweepTraining.self, from: data)
    }

    func write(_ result: SweepTraining) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try AtomicFile.write(try encoder.encode(result), to: place(result.trial, result.seed, "json"))
    }

    /// Returns the state from which a training resumes; nil if it must start over. A checkpoint of another
    /// configuration, other data or another engine would lead to different bits and is ignored.
    func checkpoint(_ trial: Int, _ seed: UInt64, like wanted: Checkpoint) -> TrainingState? {
        guard let data = try? Data(contentsOf: place(trial, seed, "checkpoint")),
            let found = try? Checkpoint.decode(data, name: "checkpoint"),
            found.configuration == wanted.configuration, found.dataDigests == wanted.dataDigests,
            found.engine == wanted.engine
        else { return nil }
        return found.state
    }

    func write(_ checkpoint: Checkpoint, _ trial: Int, _ seed: UInt64) throws(OperationError) {
        try AtomicFile.write(try checkpoint.encoded(), to: place(trial, seed, "checkpoint"))
    }

    /// Removes a checkpoint that is no longer needed.
    func removeCheckpoint(_ trial: Int, _ seed: UInt64) {
        try? FileManager.default.removeItem(at: place(trial, seed, "checkpoint"))
    }
}
