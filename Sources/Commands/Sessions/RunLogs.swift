import Foundation
import Numeral
import Reports
import Runs
import TensorBoard

/// The log files of a run in progress: `events.jsonl` and the event file for TensorBoard. A file that cannot be written
/// is abandoned with a warning, and training continues.
final class RunLogs {
    private var events: EventLog?
    private var tensorBoard: TensorBoardLog?

    /// Opens the files that the configuration requests; in a resumed run they continue from the checkpoint.
    ///
    /// - Parameter sums: the sums in the checkpoint from which the run resumes.
    init(
        _ run: LiveRun, _ experiment: Experiment, graph: ResolvedGraph, data: LoadedData, sums: [String: [Double]]
    ) {
        attempt {
            if experiment.output.events {
                events = EventLog(append: try run.open(RunFile.events.rawValue).append)
            }
        } else: {
            events = nil
        }
        attempt {
            guard experiment.output.tensorBoard else { return }
            let file = try run.open(RunFile.tensorBoard.rawValue)
            let log = TensorBoardLog(tensors: graph.parameters, append: file.append)
            tensorBoard = log
            guard file.length == 0 else {
                log.restore(sums: sums[RunFile.tensorBoard.rawValue] ?? [])
                return
            }
            try log.begin(
                session: run.folder.url.lastPathComponent, hyperparameters: Self.hyperparameters(experiment))
            guard data.lines == nil else { return }
            try log.image(
                AugmentedInputs.png(data.train, options: experiment.augmentation, seed: experiment.seed),
                tag: "inputs/augmented", description: "Training images as the first epoch sees them.")
        } else: {
            tensorBoard = nil
        }
    }

    /// The state that the files carry from record to record, to be stored in a checkpoint.
    var sums: [String: [Double]] { tensorBoard.map { [RunFile.tensorBoard.rawValue: $0.sums] } ?? [:] }

    /// Writes all buffered data to the files, since a checkpoint is about to refer to their lengths.
    func flush() {
        attempt {
            try events?.flush()
        } else: {
            events = nil
        }
        attempt {
            try tensorBoard?.flush()
        } else: {
            tensorBoard = nil
        }
    }

    func take(_ event: TrainingEvent, from trainer: Trainer) {
        attempt {
            try events?.record(event)
        } else: {
            events = nil
        }
        attempt {
            try tensorBoard?.record(event) { trainer.currentParameters }
        } else: {
            tensorBoard = nil
        }
    }

    /// Ends the logs of a run, with the results of its test if there are any.
    func end(_ evaluation: EvaluationSummary?) {
        attempt {
            if let evaluation { try tensorBoard?.record(evaluation) }
        } else: {
            tensorBoard = nil
        }
        end(succeeded: evaluation != nil)
    }

    /// Ends the logs of a run whose test has no metrics by class.
    func end(succeeded: Bool) {
        attempt {
            try tensorBoard?.end(succeeded: succeeded)
        } else: {
            tensorBoard = nil
        }
    }

    private func attempt(_ work: () throws -> Void, else giveUp: () -> Void) {
        do {
            try work()
        } catch {
            giveUp()
            Console.message("WARNING  \(error); the run goes on without this file")
        }
    }

    /// Returns the settings of the configuration, key by key, without its name and output settings.
    private static func hyperparameters(_ experiment: Experiment) -> [Hyperparameter] {
        experiment.json.leaves.compactMap { leaf in
            if leaf.path == "name" || leaf.path.hasPrefix("output.") { return nil }
            let value: Hyperparameter.Value =
                switch leaf.value {
                case .number(let number): .number(number.double)
                case .boolean(let truth): .boolean(truth)
                case .string(let text): .text(text)
                default: .text(leaf.value.text)
                }
            return Hyperparameter(name: leaf.path, value: value)
        }
    }
}
