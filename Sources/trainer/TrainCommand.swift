import ArgumentParser
import Foundation
import Numeral

/// `trainer train`: trains, tests once, leaves a run folder.
struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Train a network, test it once, and leave a run folder (the default command).")

    @OptionGroup var configuration: ConfigurationOptions
    @OptionGroup var common: CommonOptions
    @OptionGroup var tuning: TuningOptions

    @Option(help: "Folder to look for the data set in first.")
    var data: String?

    @Option(help: "Folder in which the run folder is made, instead of the configuration's.")
    var output: String?

    func run() throws {
        let began = Date()
        var (experiment, graph) = try configuration.load()
        if let data { experiment.data.directory = data }
        if let output { experiment.output.directory = output }
        let pool = try common.makePool()
        common.say(
            "Numeral \(Numeral.version), \(BLASVendor.backend) (core \(BLASVendor.core ?? "unknown")), "
                + "\(pool.threads) thread\(pool.threads == 1 ? "" : "s")")
        let data = try common.load(experiment.data, seed: experiment.seed)
        tuning.settle(&experiment, &graph, pool: pool, common)
        let trainer = try Trainer(
            graph: graph, options: experiment.training, data: data, augmentation: experiment.augmentation,
            normalization: experiment.data.normalization, evaluationBatchSize: experiment.evaluation.batchSize,
            seed: experiment.seed, pool: pool)
        // A test file that is damaged should be known before an hour of training, not after. Nothing is kept of it.
        let digests = data.digests.merging(try data.loadTest().digests) { first, _ in first }
        let run = try LiveRun.create(
            in: URL(fileURLWithPath: experiment.output.directory, isDirectory: true), name: experiment.name, date: began
        )
        defer { run.close() }
        let folder = run.folder
        try folder.write(experiment.jsonText, as: .config)
        try folder.write(
            environment: EnvironmentRecord(threads: pool.threads, dataDigests: digests, date: began))

        Interruption.install()
        let display = TrainingDisplay(quiet: common.quiet, epochs: experiment.training.epochs)
        let model = try trainer.run(shouldStop: { Interruption.isRequested }, onEvent: display.show)
        try save(model, experiment, graph, data, in: folder)
        if model.interrupted {
            Console.message(
                model.history.epochs.isEmpty
                    ? "Interrupted in the first epoch; \(folder.url.relativePath) holds the configuration only"
                    : "Interrupted after \(model.history.epochs.count) epochs; the best weights so far are in "
                        + folder.url.relativePath)
            throw ExitCode(130)
        }
        try test(model, experiment, graph, data, pool, folder)
    }

    /// Writes the history and, once an epoch has ended, the model.
    private func save(
        _ model: TrainedModel, _ experiment: Experiment, _ graph: ResolvedGraph, _ data: LoadedData,
        in folder: RunFolder
    ) throws {
        guard !model.history.epochs.isEmpty else { return }
        try folder.write(history: model.history)
        let saved = SavedModel(
            experiment: experiment, graph: graph, classNames: data.train.classNames,
            normalization: data.normalizationConstants(experiment.data.normalization), parameters: model.parameters,
            state: model.state)
        try folder.write(saved.encoded(), as: .model)
    }

    private func test(
        _ model: TrainedModel, _ experiment: Experiment, _ graph: ResolvedGraph, _ data: LoadedData, _ pool: WorkerPool,
        _ folder: RunFolder
    ) throws {
        let history = model.history
        common.say(
            "Trained \(history.epochs.count) epochs in \(Console.fixed(history.seconds, 1)) s "
                + "(\(Console.grouped(Int(history.imagesPerSecond))) images/s)"
                + (history.stoppedEarly ? ", stopped early" : "") + "; kept epoch \(history.bestEpoch)")
        let classifier = Classifier(
            graph: graph, batchSize: experiment.evaluation.batchSize,
            normalization: data.normalizationConstants(experiment.data.normalization), pool: pool)
        classifier.load(parameters: model.parameters, state: model.state)
        let evaluation = try Assessment.evaluate(classifier, on: try data.loadTest().images)
        try Assessment.write(
            evaluation, to: folder, dataset: data.dataset, source: data.source, history: history,
            threads: pool.threads, parameters: graph.parameterCount)
        Assessment.printSummary(evaluation, folder: folder, dataset: data.dataset, source: data.source)
    }
}
