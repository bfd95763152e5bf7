import ArgumentParser
import Audit
import Formats
import Foundation
import Numeral
import Runs
import Tensors
import Workers

/// `trainer audit`: examines whether the data and the model can be trusted.
struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Find wrong labels, copies, strangers, weak spots and drift in a data set.",
        discussion: """
            With --config, networks are trained on parts of the training images, so that each image is judged by a network that \
            was not trained on it; run the same command again to resume. With --model, a trained network judges the images it was \
            not trained on. With --predictions, only labels are judged, by probabilities from elsewhere. The audited data are \
            never changed.
            """)

    @Option(help: "The JSON configuration of the networks that judge the data.")
    var config: String?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp("With --config: override one key; repeatable.", valueName: "key.path=value"))
    var overrides: [String] = []

    @Option(help: "With --config: the random seed, instead of the configuration's.")
    var seed: UInt64?

    @Option(
        help: ArgumentHelp(
            "With --config: the number of parts into which the training images are split.", valueName: "count"))
    var folds: Int?

    @Option(help: "A trained network: a run folder, a model file, or box.")
    var model: String?

    @Flag(help: "With --model: the network was trained on none of the data, not even their training half.")
    var unseen = false

    @Option(
        help: ArgumentHelp(
            "With --model: write the model with an out-of-distribution detector, fitted on the validation images or lines.",
            valueName: "file"))
    var save: String?

    @Option(
        help: ArgumentHelp(
            "A table with columns label and p0, p1, …: the predictions.csv of a run or of another program.",
            valueName: "file.csv"))
    var predictions: String?

    @Option(
        help: ArgumentHelp(
            "The folder of the data set, or your own data: a folder with a folder of pictures for each class, or a CSV file.",
            valueName: "path"))
    var data: String?

    @Option(help: ArgumentHelp("Other data to compare with these.", valueName: "path"))
    var against: String?

    @Option(
        help:
            "How wrong labels are selected: bySelfConfidence (default), byNoiseRate, byClass, both, confident or predicted."
    )
    var prune: LabelPruning?

    @Option(help: "How they are ranked: selfConfidence (default), normalizedMargin or confidenceWeightedEntropy.")
    var rank: LabelQuality?

    @Option(help: "The folder in which to create the audit's folder.")
    var output: String?

    @Option(
        help: ArgumentHelp("Write a corrected copy of the data into this new folder.", valueName: "folder"))
    var apply: String?

    @Option(
        help: ArgumentHelp(
            "With --apply: the labels.csv of an audit, with your edits in its column action; no new audit is made.",
            valueName: "file.csv"))
    var corrections: String?

    @OptionGroup var common: CommonOptions

    func validate() throws {
        let ways = [config, model, predictions].compactMap { $0 }
        guard ways.count == 1 else {
            throw ValidationError(
                "expected one of --config, --model and --predictions · received \(ways.isEmpty ? "none" : "several")")
        }
        for (option, isGiven) in [
            ("--set", !overrides.isEmpty), ("--seed", seed != nil), ("--folds", folds != nil),
        ] where isGiven && config == nil {
            throw ValidationError("\(option) goes with --config")
        }
        for (option, isGiven) in [("--unseen", unseen), ("--save", save != nil)] where isGiven && model == nil {
            throw ValidationError("\(option) goes with --model")
        }
        for (option, isGiven) in [
            ("--data", data != nil), ("--against", against != nil), ("--apply", apply != nil),
        ] where isGiven && predictions != nil {
            throw ValidationError("\(option) does not go with --predictions: a table holds no images")
        }
        if corrections != nil, apply == nil { throw ValidationError("--corrections goes with --apply") }
        for (option, isGiven) in [
            ("--save", save != nil), ("--against", against != nil), ("--unseen", unseen), ("--folds", folds != nil),
            ("--predictions", predictions != nil), ("--prune", prune != nil), ("--rank", rank != nil),
            ("--output", output != nil),
        ] where isGiven && corrections != nil {
            throw ValidationError("\(option) does not go with --corrections: no new audit is made")
        }
        if let folds, !(2...100).contains(folds) {
            throw ValidationError("--folds: expected an integer in 2…100 · received \(folds)")
        }
    }

    func run() throws {
        if let predictions { return try auditTable(predictions) }
        if let corrections { return try apply(corrections, to: loaded()) }
        let judge = try model.map { try SavedModel.load(path: $0) }
        if let save, let judge, judge.graph.readsLines { return try saveLines(judge, to: save) }
        let session = try makeSession(judge)
        defer { session.pool.shutdown() }
        // Report impossible requests before spending minutes.
        let saved = save == nil ? nil : try session.savedModel()
        var options = options
        options.seed = session.experiment.seed
        var audit = try Audit(session.images, session.evidence, options: options, pool: session.pool) { step in
            common.say("\(step) …")
        }
        common.say("Drift …")
        audit.drift = try session.drift(against: against, seed: options.seed) { try load(at: $0, for: session) }
        let folder = try RunFolder.create(
            in: URL(fileURLWithPath: output ?? session.experiment.output.directory, isDirectory: true),
            name: "\(session.experiment.name)-audit")
        try folder.write(session.experiment.jsonText, as: .config)
        try audit.write(
            to: folder.url, title: "Audit of \(session.dataset)", lead: session.lead(audit), notes: session.notes)
        if let save, let saved { try self.save(saved, to: save) }
        print(AuditSummary.text(audit))
        print("Everything is in \(folder.url.relativePath); read audit.html there")
        if apply != nil {
            try apply(folder.url.appendingPathComponent("labels.csv").relativePath, to: session.sets)
        }
    }

    private var options: AuditOptions {
        var options = AuditOptions()
        if let prune { options.pruning = prune }
        if let rank { options.ranking = rank }
        return options
    }

    /// Audits only labels, from a table of predictions.
    private func auditTable(_ path: String) throws {
        let data = try LabelledProbabilities.read(path)
        let labels = LabelFindings(data, pruning: options.pruning, ranking: options.ranking)
        let folder = try RunFolder.create(
            in: URL(fileURLWithPath: output ?? "runs", isDirectory: true), name: "labels-audit")
        let report = LabelsReport(data, labels)
        try report.write(to: folder.url)
        print(report.text)
        print("Everything is in \(folder.url.relativePath)")
    }

    /// Returns the parts of the data, unmodified.
    private func loaded() throws -> [(name: String, images: ImageSet)] {
        let experiment: Experiment
        if let model {
            let saved = try SavedModel.load(path: model)
            try saved.requireSingleImages(remedy: AuditSession.linesRemedy)
            experiment = try AuditSession.experiment(of: saved, at: model, data: data)
        } else {
            experiment = try trainCommand().configured().0
        }
        return try AuditSession.sets(
            common.load(experiment.dataRequest, seed: experiment.seed, whole: true))
    }

    private func apply(_ path: String, to sets: [(name: String, images: ImageSet)]) throws {
        guard let apply else { return }
        let corrections = try Corrections(path, classNames: sets[0].images.classNames)
        try corrections.check(parts: sets.map(\.name))
        var changed: [String: ImageSet] = [:], relabelled = 0, removed = 0
        for (name, images) in sets {
            let result = try corrections.applied(to: images, part: name)
            changed[name] = result.images
            relabelled += result.relabelled
            removed += result.removed
        }
        guard let train = changed["train"], train.count > 0 else {
            throw InputError(path, expected: "corrections that leave training images", received: "none left")
        }
        let section = try ConversionFiles.writeIDX(
            ConvertedData(train: train, validation: changed["validation"], test: changed["test"]), to: apply,
            gzip: true)
        print(
            "\(apply): a copy with \(Console.grouped(relabelled)) labels changed and \(Console.grouped(removed)) images left "
                + "out; to train on it: --data \(apply)" + (changed["test"] == nil ? "" : ", or"))
        // A configuration's files need a test half; --data puts one aside.
        if changed["test"] != nil { print(section) }
    }

    private func makeSession(_ judge: SavedModel?) throws -> AuditSession {
        guard let judge else {
            let train = try trainCommand()
            var session: AuditSession?
            try Ranks.join { ranks in
                guard ranks.count == 1 else {
                    throw InputError("trainer audit", expected: "one process", received: "\(ranks.count) ranks")
                }
                let validation = try train.trainParts(folds ?? 5, ranks)
                session = try AuditSession(validation, pool: common.makePool(), say: common.say)
            }
            guard let session else { throw ExitCode(1) }
            return session
        }
        return try AuditSession(judge, at: model, data: data, isUnseen: unseen, isSaved: save != nil, common: common)
    }

    /// Returns the `trainer train --folds` command with the options given here.
    private func trainCommand() throws -> TrainCommand {
        var arguments = ["--config", config ?? ""] + overrides.flatMap { ["--set", $0] }
        if let seed { arguments += ["--seed", "\(seed)"] }
        if let data { arguments += ["--data", data] }
        if let output { arguments += ["--output", output] }
        if let threads = common.threads { arguments += ["--threads", "\(threads)"] }
        if common.quiet { arguments.append("--quiet") }
        return try TrainCommand.parse(arguments)
    }

    /// Loads data to compare with the audited ones.
    private func load(at path: String, for session: AuditSession) throws -> ImageSet {
        var options = session.experiment.dataRequest
        options.replace(with: path)
        options.modelClasses = session.classNames
        let sets = try AuditSession.sets(common.load(options, seed: session.experiment.seed))
        try Classifier.check(session.graph, fits: sets[0].images, named: path)
        return AuditedImages(sets).images
    }
}

extension LabelPruning: ExpressibleByArgument {}
extension LabelQuality: ExpressibleByArgument {}
