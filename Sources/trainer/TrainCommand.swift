import ArgumentParser
import Foundation
import Kernels
import Numeral
import Reports

/// `trainer train`: trains, tests once, leaves a run folder.
struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Train a network, test it once, and leave a run folder (the default command).")

    @OptionGroup var configuration: TrainingConfigurationOptions
    @OptionGroup var common: CommonOptions
    @OptionGroup var tuning: TuningOptions

    @Option(help: "Folder to look for the data set in first.")
    var data: String?

    @Option(help: "Folder in which the run folder is made, instead of the configuration's.")
    var output: String?

    @Option(help: ArgumentHelp("Go on with an unfinished run, in its folder.", valueName: "run"))
    var resume: String?

    @Flag(help: "With --resume: go on although Numeral, BLAS or CPU are others than at the beginning.")
    var force = false

    func validate() throws {
        if resume == nil {
            try configuration.requireFile()
            if force { throw ValidationError("--force goes with --resume") }
        } else if output != nil {
            throw ValidationError("--output does not go with --resume: a run goes on in its own folder")
        }
    }

    func run() throws {
        let began = Date()
        let resumption = try resume.map { try Resumption.open($0, given: configuration.load(instead:)) }
        if case .some(.none) = resumption {
            Console.message("\(resume ?? "") is finished: there is nothing left to do")
            return
        }
        let resumed = resumption ?? nil
        var (experiment, graph) = try resumed.map { ($0.experiment, $0.graph) } ?? configuration.load()
        if let data { experiment.data.directory = data }
        if let output { experiment.output.directory = output }
        let pool = try common.makePool()
        common.say(
            "Numeral \(Numeral.version), \(BLASVendor.backend) (core \(BLASVendor.core ?? "unknown")), "
                + "\(pool.threads) thread\(pool.threads == 1 ? "" : "s")")
        let data = try common.load(experiment.data, seed: experiment.seed)
        tuning.settle(&experiment, &graph, pool: pool, common)
        let models = try TeacherModels(experiment.training.distillation)
        let trainer = try Trainer(
            graph: graph, options: experiment.training, data: data, augmentation: experiment.augmentation,
            normalization: experiment.data.normalization, evaluationBatchSize: experiment.evaluation.batchSize,
            teachers: models.teachers, seed: experiment.seed, pool: pool)
        // A test file that is damaged should be known before an hour of training, not after. Nothing is kept of it.
        let digests = data.digests.merging(try data.loadTest().digests) { first, _ in first }
            .merging(models.digests) { first, _ in first }
        try resumed?.check(dataDigests: digests, force: force)
        let session = TrainingSession(
            run: try resumed?.run ?? create(experiment, date: began), resumption: resumed, experiment: experiment,
            graph: graph, data: data, dataDigests: digests, trainer: trainer, pool: pool, common: common)
        defer { session.run.close() }
        try session.record(date: began)
        Interruption.install()
        try session.train()
    }

    private func create(_ experiment: Experiment, date: Date) throws(OperationError) -> LiveRun {
        try LiveRun.create(
            in: URL(fileURLWithPath: experiment.output.directory, isDirectory: true), name: experiment.name, date: date)
    }
}
