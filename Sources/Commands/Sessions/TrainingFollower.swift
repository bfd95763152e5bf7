import ArgumentParser
import Numeral
import Workers

/// The work of every rank but the first for a run: it computes its part, and neither writes nor prints.
struct TrainingFollower {
    let experiment: Experiment
    let graph: ResolvedGraph
    let data: LoadedData
    let trainer: Trainer
    let pool: WorkerPool

    /// Trains and tests, in step with ``TrainingSession/train()`` of rank 0.
    /// - Throws: the error that rank 0 throws at the same step.
    func train(_ ranks: Ranks) throws {
        Interruption.install()
        let model = try trainer.run(
            from: try ranks.share(state: nil), shouldStop: { Interruption.isRequested },
            onCheckpoint: experiment.training.checkpoints == nil ? nil : { _ in })
        guard !model.interrupted else { throw ExitCode(Interruption.exitCode(ranks)) }
        // Images with several labels and lines are tested by rank 0.
        guard !experiment.data.multiLabel, data.lines == nil else { return }
        _ = try Assessment.probabilities(
            of: try data.loadTest().images, experiment: experiment, graph: graph,
            normalization: data.normalizationConstants(experiment.data.normalization), parameters: model.parameters,
            state: model.state, pool: pool, ranks: ranks)
    }
}
