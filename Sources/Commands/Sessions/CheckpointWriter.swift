import Foundation
import Numeral
import Runs

/// Writes the checkpoints of a run. A failure is reported and does not end training: the disk may have space again for
/// the next one.
final class CheckpointWriter {
    private let run: LiveRun
    private let options: CheckpointOptions
    private let configuration: String
    private let dataDigests: [String: String]
    private let engine: [String: String]
    /// The reason why the last checkpoint could not be written; nil if it was written.
    private(set) var failure: OperationError?
    /// The last checkpoint written, by this process or, in a resumed run, by the previous one.
    private(set) var last: URL?

    /// Returns nil if the configuration requests no checkpoints.
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

    /// - Parameter liveSums: the current sums of the growing files.
    func write(_ state: TrainingState, liveSums: [String: [Double]]) {
        do throws(OperationError) {
            let checkpoint = Checkpoint(
                configuration: configuration, dataDigests: dataDigests, engine: engine,
                liveFiles: try run.synchronize(), liveSums: liveSums, state: state)
            last = try CheckpointFolder(of: run.folder).write(checkpoint, keeping: options.keep)
            if failure != nil { Console.message("Checkpoints are written again") }
            failure = nil
        } catch {
            // Reported once, until the reason changes.
            defer { failure = error }
            if failure?.problem == error.problem { return }
            Console.message(
                "WARNING  no checkpoint: \(error); training goes on"
                    + (last.map { ", the last one is \($0.relativePath)" } ?? ""))
        }
    }
}
