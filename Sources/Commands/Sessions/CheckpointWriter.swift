import Foundation
import Numeral
import Runs

/// Writes the checkpoints of a run. One that cannot be written is said and does not end the training: the disk may have
/// room again for the next.
final class CheckpointWriter {
    private let run: LiveRun
    private let options: CheckpointOptions
    private let configuration: String
    private let dataDigests: [String: String]
    private let engine: [String: String]
    /// Why the last one could not be written; nil where it was.
    private(set) var failure: OperationError?
    /// The last that was written, by this process or, in a resumed run, by the one before.
    private(set) var last: URL?

    /// Nil where the configuration wants none.
    init?(
        _ run: LiveRun, _ experiment: Experiment, _ graph: ResolvedGraph, dataDigests: [String: String],
        resumedFrom last: URL?
    ) {
        guard let options = experiment.training.checkpoints else { return nil }
        self.run = run
        self.options = options
        configuration = experiment.jsonText
        self.dataDigests = dataDigests
        engine = EngineIdentity.current(graph)
        self.last = last
    }

    /// - Parameter liveSums: of the files that grow, where they stand now.
    func write(_ state: TrainingState, liveSums: [String: [Double]]) {
        do throws(OperationError) {
            let checkpoint = Checkpoint(
                configuration: configuration, dataDigests: dataDigests, engine: engine,
                liveFiles: try run.synchronize(), liveSums: liveSums, state: state)
            last = try CheckpointFolder(of: run.folder).write(checkpoint, keeping: options.keep)
            if failure != nil { Console.message("Checkpoints are written again") }
            failure = nil
        } catch {
            // Said once, until it changes.
            defer { failure = error }
            if failure?.problem == error.problem { return }
            Console.message(
                "WARNING  no checkpoint: \(error); training goes on"
                    + (last.map { ", the last one is \($0.relativePath)" } ?? ""))
        }
    }
}
