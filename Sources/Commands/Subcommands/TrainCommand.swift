import ArgumentParser
import Foundation
import LinearAlgebra
import Numeral
import Runs
import Workers

/// `trainer train`: trains a network, tests it once, and leaves a run folder.
struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Train a network, test it once, and leave a run folder (the default command).")

    @OptionGroup var configuration: TrainingConfigurationOptions
    @OptionGroup var common: CommonOptions
    @OptionGroup var tuning: TuningOptions

    @Option(
        help: ArgumentHelp(
            "The folder of the data set, or your own data: a folder with a folder of pictures for each class, or a CSV file.",
            valueName: "path"))
    var data: String?

    @Option(help: "The folder in which to create the run folder, instead of the configuration's.")
    var output: String?

    @Option(help: ArgumentHelp("Resume an unfinished run, in its folder.", valueName: "run"))
    var resume: String?

    @Option(
        help: ArgumentHelp(
            "Start from the weights of a trained network: a run folder, a model file, or box; without --config, use its network, "
                + "its augmentation and a recipe for few images.",
            valueName: "model"))
    var from: String?

    @Option(
        help: ArgumentHelp(
            "Cross-validate: split the training images into this many folds, and for each train on the others and test on it. The same "
                + "command resumes an interrupted cross-validation.",
            valueName: "count"))
    var folds: Int?

    @Flag(
        help: "With --resume: continue even though Numeral, the BLAS or the CPU differ from those the run began with.")
    var force = false

    func validate() throws {
        if folds != nil, resume != nil {
            throw ValidationError("--folds does not go with --resume: the same command goes on with what is unfinished")
        }
        if from != nil, configuration.overrides.contains(where: { $0.hasPrefix("training.initialModel=") }) {
            throw ValidationError(
                "--from does not go with --set training.initialModel: both say which weights to start from")
        }
        if resume == nil {
            if from == nil { try configuration.requireFile() }
            if configuration.config == nil, from != nil, data == nil {
                throw ValidationError("--from needs --data, the images to learn from; or --config")
            }
            if force { throw ValidationError("--force goes with --resume") }
        } else if from != nil {
            throw ValidationError("--from does not go with --resume: the run has begun already")
        } else if output != nil {
            throw ValidationError("--output does not go with --resume: a run goes on in its own folder")
        }
    }

    func run() throws {
        try Ranks.join { ranks in
            guard let folds else { return try run(ranks) }
            let validation = try trainParts(folds, ranks)
            let pool = try common.makePool()
            defer { pool.shutdown() }
            try validation.finish(common: common, pool: pool, ranks)
        }
    }

    /// Trains each fold of a cross-validation that is not finished.
    func trainParts(_ count: Int, _ ranks: Ranks) throws -> CrossValidation {
        guard ranks.count == 1 else {
            throw InputError("--folds", expected: "one process", received: "\(ranks.count) ranks")
        }
        let (experiment, _) = try configured(nil)
        let validation = try CrossValidation(experiment, count: count, common: common)
        for number in 1...count {
            if let run = validation.finished(number) {
                try validation.check(run)
                common.say("Part \(number) of \(count) is finished: \(run.url.relativePath)")
                continue
            }
            common.say("\nPart \(number) of \(count)")
            try run(ranks, validation.part(number))
        }
        return validation
    }

    /// - Parameter part: a fold of a cross-validation; nil for all data of the configuration.
    private func run(_ ranks: Ranks, _ part: CrossValidation.Part? = nil) throws {
        let began = Date()
        let resume = self.resume ?? part?.unfinished
        let resumption = try ranks.onFirst {
            try resume.map { path in
                try Resumption.open(path) { stored in
                    let given = try configuration.load(instead: stored, from: from)
                    return part?.applied(to: given) ?? given
                }
            }
        }
        if case .some(.some(.none)) = resumption {
            Console.message("\(resume ?? "") is finished: there is nothing left to do")
        }
        let resumed = (resumption ?? nil) ?? nil
        guard !ranks.isAnyTrue(ranks.isFirst && resume != nil && resumed == nil) else { return }
        var (experiment, graph) = try ranks.share(ranks.onFirst { try configured(resumed) })
        if let part { experiment = part.applied(to: experiment) }
        if let data = self.data { experiment.data.take(from: data) }
        try ranks.together { try experiment.checkEvaluation() }
        let pool = try ranks.together { try common.makePool(default: ranks.threads) }
        defer { pool.shutdown() }
        introduce(pool, ranks)
        var data = try part?.data ?? ranks.together { try common.load(experiment.dataRequest, seed: experiment.seed) }
        if ranks.isFirst { tuning.settle(&experiment, &graph, pool: pool, common) }
        (experiment, graph) = try ranks.share(ranks.isFirst ? (experiment, graph) : nil)
        let models = try ranks.together { try ReferencedModels(experiment.training) }
        let initial = try ranks.together { try models.initialWeights(for: graph, experiment, data: &data) }
        if let initial, ranks.isFirst, resumed?.found == nil { introduce(initial, experiment, data) }
        let trainer = try ranks.together {
            try Trainer(
                graph: graph, options: experiment.training, data: data, augmentation: experiment.augmentation,
                normalization: experiment.data.normalization, evaluationBatchSize: experiment.evaluation.batchSize,
                initial: initial, teachers: models.teachers, seed: experiment.seed, pool: pool,
                communicator: ranks.communicator)
        }
        // A damaged test file should be found before an hour of training, not after. Its content is not kept.
        let digests = try ranks.together {
            data.digests.merging(try data.loadTest().digests) { first, _ in first }
                .merging(models.digests) { first, _ in first }
        }
        try ranks.check(
            digests, are: "the data of rank 0 (SHA-256)",
            remedy: "give every host the same files, or name them by --data")
        try ranks.check(
            EngineIdentity.current(graph), are: "the engine of rank 0",
            remedy: "train on machines of one kind, with the same build and BLAS")
        try ranks.onFirst { try resumed?.check(dataDigests: digests, force: force) }
        guard ranks.isFirst else {
            return try TrainingFollower(
                experiment: experiment, graph: graph, data: data, trainer: trainer, pool: pool
            ).train(ranks)
        }
        let session = TrainingSession(
            run: try resumed?.run ?? create(experiment, part, date: began), resumption: resumed, experiment: experiment,
            graph: graph, data: data, dataDigests: digests, trainer: trainer, learnedBefore: models.initial?.learned,
            pool: pool,
            common: common, ranks: ranks,
            isPart: part != nil)
        defer { session.run.close() }
        try session.record(date: began)
        Interruption.install()
        try session.train()
    }

    /// Returns what to train: as the files and the command line specify, or as in the run that is resumed.
    func configured(_ resumed: Resumption? = nil) throws -> (Experiment, ResolvedGraph) {
        var (experiment, graph) =
            try resumed.map { ($0.experiment, $0.graph) } ?? configuration.load(data: data, from: from)
        if let output { experiment.output.directory = output }
        return (experiment, graph)
    }

    private func introduce(_ pool: WorkerPool, _ ranks: Ranks) {
        let threads = "\(pool.threads) thread\(pool.threads == 1 ? "" : "s")"
        common.say(
            "Numeral \(Numeral.version), \(BLASVendor.backend) (core \(BLASVendor.core ?? "unknown")), "
                + (ranks.count == 1 ? threads : "\(ranks.count) ranks of \(threads)"))
        if ranks.count > 1, let text = ranks.description { common.say(text) }
    }

    private func introduce(_ initial: InitialWeights, _ experiment: Experiment, _ data: LoadedData) {
        let classes = data.train.classCount, known = initial.knownClasses
        let head =
            known == classes
            ? "which knows all \(classes) classes"
            : "with a new last layer for \(known == 0 ? "all" : "\(classes - known) of") \(classes) classes"
        common.say("Beginning with the weights of \(experiment.training.initialModel ?? ""), \(head)")
        guard known < classes, initial.modelClasses.count >= classes else { return }
        let names =
            initial.modelClasses.prefix(12).joined(separator: ", ") + (initial.modelClasses.count > 12 ? ", …" : "")
        common.say("Its classes are called \(names); yours, called like them, would go on with what it knows of them")
    }

    private func create(
        _ experiment: Experiment, _ part: CrossValidation.Part?, date: Date
    ) throws(OperationError) -> LiveRun {
        try LiveRun.create(
            in: URL(fileURLWithPath: experiment.output.directory, isDirectory: true),
            name: part.map { "fold-\($0.fold.number)" } ?? experiment.name, date: date)
    }
}
