import ArgumentParser
import Foundation
import Numeral
import Runs
import Workers

/// The work of one process for a run, from its folder's first files to the test.
struct TrainingSession {
    let run: LiveRun
    let resumption: Resumption?
    let experiment: Experiment
    let graph: ResolvedGraph
    let data: LoadedData
    let dataDigests: [String: String]
    let trainer: Trainer
    /// The images that the model of the initial weights has learned.
    let learnedBefore: LearnedImages?
    let pool: WorkerPool
    let common: CommonOptions
    let ranks: Ranks
    /// Whether the run is one of several that are summarised together.
    var isPart = false

    private var folder: RunFolder { run.folder }

    /// The unit that is trained on.
    private var unit: String { data.lines == nil ? "images" : "lines" }

    /// Unusual properties of the training images.
    private var dataNotes: [String] {
        guard data.lines == nil else { return [] }
        return DataNotes.training(
            data, fraction: experiment.data.validationFraction, stopsEarly: experiment.training.earlyStopping != nil)
            + DataNotes.steps(data, epochs: experiment.training.epochs, batchSize: experiment.training.batchSize)
    }

    /// Writes `config.json` and `environment.json` or, in a resumed run, adds this process to the latter.
    func record(date: Date) throws {
        let environment = EnvironmentRecord(threads: pool.threads, ranks: ranks, dataDigests: dataDigests, date: date)
        guard let resumption else {
            try folder.write(experiment.jsonText, as: .config)
            try folder.write(environment: environment)
            return
        }
        resumption.announce(common)
        let progress = resumption.found?.checkpoint.state.progress ?? TrainingProgress()
        try folder.write(
            resumption: EnvironmentRecord.Resumption(
                date: date, epoch: progress.epoch, step: progress.step, threads: pool.threads,
                ranks: environment.ranks?.count, commandLine: CommandLine.arguments),
            in: environment)
        run.restore(lengths: resumption.found?.checkpoint.liveFiles ?? [:])
    }

    /// Trains and tests.
    /// - Throws: `ExitCode` if a signal ended it, after the checkpoint is written; any error of training and writing.
    func train() throws {
        for note in dataNotes { Console.message("Note: \(note)") }
        let writer = CheckpointWriter(
            run, experiment, graph, dataDigests: dataDigests, resumedFrom: resumption?.found?.file)
        let display = TrainingDisplay(quiet: common.quiet, epochs: experiment.training.epochs, unit: unit)
        let logs = RunLogs(
            run, experiment, graph: graph, data: data, sums: resumption?.found?.checkpoint.liveSums ?? [:])
        let figures =
            experiment.output.events ? LiveFigures(folder, experiment, graph: graph, data: data) : nil
        let model: TrainedModel
        let state = try ranks.share(state: resumption?.found?.checkpoint)
        do {
            model = try trainer.run(
                from: state, shouldStop: { Interruption.isRequested },
                onSnapshot: { cycle, model in try folder.write(snapshot: saved(model).encoded(), cycle: cycle) },
                onCheckpoint: writer.map { writer in
                    { state in
                        logs.flush()
                        writer.write(state, liveSums: logs.sums)
                    }
                },
                onEvent: { event in
                    display.show(event)
                    // Who follows the events finds an epoch's figures written.
                    figures?.take(event, from: trainer)
                    logs.take(event, from: trainer)
                })
        } catch let error as TrainingError {
            logs.end(nil)
            try afterDivergence(last: writer?.last)
            throw error
        }
        guard !model.interrupted else {
            logs.end(nil)
            throw try afterInterruption(model, writer, code: Interruption.exitCode(ranks))
        }
        let calibration = try calibration(of: model)
        try save(model, calibration)
        try test(model, temperature: calibration.temperature, logs)
    }

    /// Saves the best weights so far, and reports where they and the last sound checkpoint are.
    private func afterDivergence(last checkpoint: URL?) throws {
        if let best = trainer.bestSoFar {
            try save(best, try calibration(of: best))
            Console.message(
                "The weights of epoch \(best.history.bestEpoch), the best, are in "
                    + folder.url(of: .model).relativePath)
        }
        if let checkpoint { Console.message("The last sound checkpoint is \(checkpoint.relativePath)") }
    }

    /// Saves the best weights so far, and reports how to resume.
    private func afterInterruption(
        _ model: TrainedModel, _ writer: CheckpointWriter?, code: Int32
    ) throws -> ExitCode {
        try save(model, model.history.epochs.isEmpty ? ModelCalibration() : try calibration(of: model))
        if let failure = writer?.failure { throw failure }
        let epochs = model.history.epochs.count
        let place = "Interrupted after \(epochs) epoch\(epochs == 1 ? "" : "s")"
        if writer == nil {
            Console.message(
                place + ", without checkpoints (training.checkpoints is null): it cannot go on. "
                    + (epochs == 0 ? "There are no weights yet" : "The best weights are in \(folder.url.relativePath)"))
        } else {
            Console.message(place + ". Go on with: trainer --resume \(folder.url.relativePath)")
        }
        return ExitCode(code)
    }

    /// Writes the history and the model, once an epoch has ended.
    private func save(_ model: TrainedModel, _ calibration: ModelCalibration) throws {
        guard !model.history.epochs.isEmpty else { return }
        try folder.write(history: model.history)
        try folder.write(saved(model, calibration).encoded(), as: .model)
    }

    /// Returns the calibration, fitted on the validation images and never on the test images.
    /// - Throws: an `InputError` if lines of text have widths that the network does not accept.
    private func calibration(of model: TrainedModel) throws -> ModelCalibration {
        guard let lines = data.lines else {
            return ModelCalibration(
                graph: graph, parameters: model.parameters, state: model.state,
                batchSize: experiment.evaluation.batchSize,
                normalization: data.normalizationConstants(experiment.data.normalization), training: data.train,
                heldOut: data.validation, pool: pool)
        }
        return try ModelCalibration(
            lines: lines, graph: graph, parameters: model.parameters, state: model.state,
            batchSize: experiment.evaluation.batchSize, seed: experiment.seed, training: data.train,
            heldOut: data.validation, pool: pool)
    }

    private final class Memo { var learned: LearnedImages? }
    private let memo = Memo()

    /// Returns the images that the network has learned when training has ended; reads them at the first call.
    private func learned() throws -> LearnedImages {
        if let learned = memo.learned { return learned }
        let learned = try LearnedImages(data.train).union(learnedBefore)
        memo.learned = learned
        return learned
    }

    /// Returns a note if test images were learned: a data set may hold a picture twice.
    private func learnedNote(_ test: ImageSet) throws -> [String] {
        let overlap = try learned().overlap(with: test)
        guard overlap.learned > 0 else { return [] }
        return [overlap.text("test images", of: test.count) + " are among those learned"]
    }

    private func saved(_ model: TrainedModel, _ calibration: ModelCalibration = .init()) throws -> SavedModel {
        SavedModel(
            experiment: experiment, graph: graph, classNames: data.train.classNames,
            normalization: data.normalizationConstants(experiment.data.normalization),
            temperature: calibration.temperature, strangers: calibration.strangers,
            dataset: data.dataset, learned: try learned(), parameters: model.parameters, state: model.state)
    }

    private func test(_ model: TrainedModel, temperature: Double?, _ logs: RunLogs) throws {
        let history = model.history
        common.say(
            "Trained \(history.epochs.count) epochs in \(Console.fixed(history.seconds, 1)) s "
                + "(\(Console.grouped(Int(history.imagesPerSecond))) \(unit)/s)"
                + (history.stoppedEarly ? ", stopped early" : "") + "; kept epoch \(history.bestEpoch)")
        let environment =
            folder.storedEnvironment
            ?? EnvironmentRecord(threads: pool.threads, ranks: ranks, dataDigests: dataDigests, date: Date())
        var test = try data.loadTest()
        test.notes += try learnedNote(test.images)
        if let lines = data.lines {
            let assessment = LineAssessment(
                experiment: experiment, graph: graph, temperature: temperature, parameters: model.parameters,
                state: model.state, dataset: data.dataset, source: data.source, lines: lines,
                training: (data.train, history), environment: environment,
                reproduction: reproduction(environment), notes: data.notes + test.notes)
            return try assessment.run(
                on: test.images, to: folder, common: common, pool: pool, beforeEnd: { logs.end(succeeded: true) })
        }
        if test.images.isMultiLabel {
            let assessment = MultiLabelAssessment(
                experiment: experiment, graph: graph,
                normalization: data.normalizationConstants(experiment.data.normalization),
                parameters: model.parameters, state: model.state, dataset: data.dataset, source: data.source,
                history: history, environment: environment, reproduction: reproduction(environment),
                notes: data.notes + dataNotes + test.notes)
            return try assessment.run(
                on: test.images, to: folder, pool: pool, beforeEnd: { logs.end(succeeded: true) })
        }
        var assessment = Assessment(
            experiment: experiment, graph: graph,
            normalization: data.normalizationConstants(experiment.data.normalization), temperature: temperature,
            parameters: model.parameters, state: model.state, dataset: data.dataset, source: data.source,
            training: data, history: history, environment: environment, reproduction: reproduction(environment))
        assessment.notes = data.notes + dataNotes + test.notes
        assessment.isBrief = isPart
        try assessment.run(
            on: test.images, to: folder, common: common, pool: pool, ranks: ranks,
            // Before metrics.json, which marks the run as finished.
            beforeEnd: { logs.end($0) })
        if experiment.training.schedule.cycles > 1 {
            print(
                "Snapshots of \(experiment.training.schedule.cycles) cycles; together: trainer evaluate --model "
                    + folder.snapshots.relativePath)
        }
    }

    /// Returns commands that repeat the training in a clone of the repository.
    private func reproduction(_ environment: EnvironmentRecord) -> [String] {
        let config = Assessment.quoted(folder.url(of: .config).relativePath)
        return (environment.commit.map { ["git checkout \($0)"] } ?? []) + ["swift run trainer --config \(config)"]
    }
}
