import ArgumentParser
import Foundation
import Numeral
import Runs
import Tensors
import Workers

/// Trains a sweep's trials, rung by rung and seed by seed.
final class SweepRunner {
    private let sweep: Sweep
    private let trials: [Sweep.Trial]
    private let graphs: [ResolvedGraph]
    private let folder: SweepFolder
    private let pool: WorkerPool
    private let directory: String?
    private let common: CommonOptions
    private let tuning: TuningOptions
    /// The splits used last; trials of one seed mostly share theirs.
    private var loaded: [(options: DataOptions, seed: UInt64, data: LoadedData)] = []
    private static let mostLoaded = 4
    private var trainings: [[SweepTraining]]

    init(
        sweep: Sweep, trials: [Sweep.Trial], graphs: [ResolvedGraph], folder: SweepFolder, pool: WorkerPool,
        data: String?, common: CommonOptions, tuning: TuningOptions
    ) {
        self.sweep = sweep
        self.trials = trials
        self.graphs = graphs
        self.folder = folder
        self.pool = pool
        directory = data
        self.common = common
        self.tuning = tuning
        trainings = trials.map { trial in
            sweep.seeds.map { seed in
                folder.result(trial.number, seed)
                    ?? SweepTraining(trial: trial.number, seed: seed, epochs: [], isFinished: false)
            }
        }
    }

    /// - Returns: every trial as last judged.
    /// - Throws: `ExitCode` if a signal ended it; any error of loading data and writing.
    func run() throws -> [SweepRow] {
        let most = trials.map(\.experiment.training.epochs).max() ?? 1
        let rungs = sweep.halving?.rungs(epochs: most) ?? [most]
        var judged: [Int: SweepRow] = [:]
        var remaining = Array(trials.indices)
        for (index, rung) in rungs.enumerated() {
            if rungs.count > 1 {
                common.say("Rung \(index + 1) of \(rungs.count): \(remaining.count) trials to epoch \(rung)")
            }
            for seed in sweep.seeds.indices {
                for trial in remaining { try train(trial, seed, to: rung) }
            }
            let rows = remaining.map { row($0, epochs: rung) }.sorted { $0.isBetter(than: $1, sweep.monitor) }
            for row in rows { judged[row.trial] = row }
            guard let halving = sweep.halving, index + 1 < rungs.count else { break }
            let survivors = Set(rows.prefix(halving.survivors(of: rows.count)).map(\.trial))
            for trial in remaining where !survivors.contains(trials[trial].number) {
                for seed in sweep.seeds { folder.removeCheckpoint(trials[trial].number, seed) }
            }
            remaining = remaining.filter { survivors.contains(trials[$0].number) }
        }
        return trials.compactMap { judged[$0.number] }
    }

    private func row(_ trial: Int, epochs: Int) -> SweepRow {
        let training = trials[trial].experiment.training
        return SweepRow(
            trial: trials[trial].number, values: trials[trial].values, trainings: trainings[trial],
            epochs: min(epochs, training.epochs), stopping: training.earlyStopping, monitor: sweep.monitor)
    }

    /// Trains trial `index` with seed `seedIndex` until `rung` epochs are done, unless they are done already.
    private func train(_ index: Int, _ seedIndex: Int, to rung: Int) throws {
        let trial = trials[index], seed = sweep.seeds[seedIndex]
        let target = min(rung, trial.experiment.training.epochs)
        var experiment = trial.experiment
        experiment.seed = seed
        // Training resumes from checkpoints in the next rung and after an interruption.
        if experiment.training.checkpoints == nil { experiment.training.checkpoints = CheckpointOptions() }
        if let directory { experiment.data.take(from: directory) }
        let data = try data(experiment), models = try ReferencedModels(experiment.training)
        guard data.lines != nil || data.validation.count > 0 else {
            throw InputError(
                "data.validationFraction", expected: "validation images, by which trials are compared",
                received: "\(experiment.data.validationFraction), which leaves none of \(data.train.count)",
                remedy: "a class keeps its last image for training: give a validation half, or more images")
        }
        let digests = data.digests.merging(models.digests) { first, _ in first }
        let known = trainings[index][seedIndex]
        if let stored = known.digests {
            guard stored == digests else {
                throw InputError(
                    "\(folder.url.relativePath): trial \(trial.number), seed \(seed)",
                    expected: "the images and models that it was trained on before", received: "others",
                    remedy: "give the sweep another name, or remove the folder")
            }
            if known.covers(target) { return }
        }
        var graph = graphs[index]
        tuning.settle(&experiment, &graph, pool: pool, common)
        var result = try train(experiment, graph, data, models, digests, trial, to: target)
        result.digests = digests
        trainings[index][seedIndex] = result
        try folder.write(result)
        if result.isFinished || result.failure != nil { folder.removeCheckpoint(trial.number, seed) }
        show(result, trial, target)
    }

    private func train(
        _ experiment: Experiment, _ graph: ResolvedGraph, _ data: LoadedData, _ models: ReferencedModels,
        _ digests: [String: String], _ trial: Sweep.Trial, to target: Int
    ) throws -> SweepTraining {
        let (number, seed) = (trial.number, experiment.seed)
        var checkpoint = Checkpoint(
            configuration: experiment.jsonText, dataDigests: digests, engine: EngineIdentity.current(graph),
            liveFiles: [:], state: TrainingState(progress: TrainingProgress(), tensors: []))
        var data = data
        let initial = try models.initialWeights(for: graph, experiment, data: &data)
        let state = folder.checkpoint(number, seed, like: checkpoint)
        let trainer: Trainer
        do {
            trainer = try Trainer(
                graph: graph, options: experiment.training, data: data, augmentation: experiment.augmentation,
                normalization: experiment.data.normalization, evaluationBatchSize: experiment.evaluation.batchSize,
                initial: initial, teachers: models.teachers, seed: seed, pool: pool)
        } catch let error as OperationError {
            return SweepTraining(trial: number, seed: seed, epochs: [], isFinished: false, failure: error.description)
        }
        var done = state?.progress.history.epochs.count ?? 0
        var writeFailure: OperationError?
        do {
            let model = try trainer.run(
                from: state,
                shouldStop: { Interruption.isRequested || (done >= target && target < experiment.training.epochs) },
                onCheckpoint: { state in
                    checkpoint.state = state
                    do throws(OperationError) {
                        try self.folder.write(checkpoint, number, seed)
                        writeFailure = nil
                    } catch {
                        writeFailure = error
                    }
                },
                onEvent: { event in
                    if case .epoch(let record, _) = event { done = record.epoch }
                    self.show(event, trial, target)
                })
            clear()
            if Interruption.isRequested { throw interrupted() }
            if let writeFailure { throw writeFailure }
            return SweepTraining(
                trial: number, seed: seed, epochs: model.history.epochs,
                isFinished: model.history.stoppedEarly || model.history.epochs.count >= experiment.training.epochs)
        } catch let error as TrainingError {
            clear()
            return SweepTraining(
                trial: number, seed: seed, epochs: trainer.bestSoFar?.history.epochs ?? [], isFinished: false,
                failure: error.description)
        }
    }

    private func data(_ experiment: Experiment) throws -> LoadedData {
        let request = experiment.dataRequest
        if let known = loaded.first(where: { $0.options == request && $0.seed == experiment.seed }) {
            return known.data
        }
        let data = try common.load(request, seed: experiment.seed)
        loaded = Array(loaded.suffix(Self.mostLoaded - 1)) + [(request, experiment.seed, data)]
        return data
    }

    private func interrupted() -> ExitCode {
        Console.message("Interrupted. Go on with the same command")
        return ExitCode(Interruption.ownExitCode)
    }

    // MARK: - Display

    private func show(_ event: TrainingEvent, _ trial: Sweep.Trial, _ target: Int) {
        guard !common.quiet, case .step(let p) = event, p.step % 10 == 0 else { return }
        ProgressLine(
            head: "Trial \(trial.number)/\(trials.count)",
            fraction: (Double(p.epoch - 1) + Double(p.step) / Double(p.stepsPerEpoch)) / Double(target),
            parts: [
                .init(text: "epoch \(p.epoch) of \(target)", rank: 1),
                .init(text: "acc \(Console.fixed(100 * p.accuracy, 2))", rank: 0),
            ]
        ).draw()
    }

    private func show(_ result: SweepTraining, _ trial: Sweep.Trial, _ target: Int) {
        guard !common.quiet else { return }
        let settings = zip(sweep.parameters, trial.values).map { "\($0.path)=\($1)" }.joined(separator: " ")
        let kept = result.kept(after: target, trial.experiment.training.earlyStopping)
        let figures =
            result.failure
            ?? "accuracy \(Console.fixed(100 * (kept?.validationAccuracy ?? .nan), 2)) %, "
            + "loss \(Console.fixed(kept?.validationLoss ?? .nan, 4))"
        Console.message(
            "trial \(trial.number), seed \(result.seed), \(result.epochs.count) epochs: \(figures)  \(settings)")
    }

    private func clear() {
        if !common.quiet { ProgressLine.clear() }
    }
}
