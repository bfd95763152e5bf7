import Foundation
import Numeral
import Reports
import Runs

/// The figures of a run that training already has: the training images as the network sees them, and after an epoch the
/// learning curves and the first layer's filters, for whoever watches (`trainer serve`, page `/runs`). The end of the run
/// writes them once more. What cannot be written is abandoned with a warning, and training continues.
final class LiveFigures {
    /// The minimum time between two writings, in seconds: files are synced, and epochs may be short.
    private static let interval = 5.0

    private let folder: RunFolder
    private let graph: ResolvedGraph
    /// Whether the run's report has the filters: those on single characters of one class do.
    private let hasFilters: Bool
    private var isAbandoned = false
    private var nextTime = -Double.infinity

    /// Writes the training images.
    init(_ folder: RunFolder, _ experiment: Experiment, graph: ResolvedGraph, data: LoadedData) {
        (self.folder, self.graph) = (folder, graph)
        hasFilters = data.lines == nil && !experiment.data.multiLabel
        attempt {
            if let lines = data.lines {
                let columns = try graph.widened(to: lines.widths).map(\.outputColumns)
                let sheet = try lines.sheet(of: data.train, seed: experiment.seed, columns: columns)
                try folder.write(sheet.figure.svg, as: .composedFigure)
            } else if hasFilters, !experiment.augmentation.isIdentity {
                try folder.write(
                    augmentation: AugmentationSheet(
                        data.train, options: experiment.augmentation, seed: experiment.seed))
            }
        }
    }

    func take(_ event: TrainingEvent, from trainer: Trainer) {
        let now = ProcessInfo.processInfo.systemUptime
        guard case .epoch = event, now >= nextTime else { return }
        attempt {
            try folder.write(history: trainer.history)
            if hasFilters, let filters = try FilterSheet(graph, parameters: trainer.currentParameters) {
                try folder.write(filters: filters)
            }
        }
        nextTime = now + Self.interval
    }

    private func attempt(_ work: () throws -> Void) {
        guard !isAbandoned else { return }
        do {
            try work()
        } catch {
            isAbandoned = true
            Console.message("WARNING  \(error); the run goes on without figures until its end")
        }
    }
}
