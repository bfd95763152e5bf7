import ArgumentParser
import Formats
import Foundation
import Numeral
import Reports
import Runs
import Workers

/// `trainer evaluate`: recomputes every metric and figure of a saved model.
struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate", abstract: "Evaluate a saved model on a test set and write every metric and figure.")

    @Option(
        help: ArgumentHelp(
            "A run folder or a model file; repeat it, or give a folder of model files, for an ensemble, whose probabilities "
                + "are averaged.", valueName: "model"))
    var model: [String]

    @Option(help: "The folder of the data set.")
    var data: String?

    @Option(help: "The name of the data set, instead of the one the model was trained on.")
    var dataset: String?

    @Option(help: "auto, full or sample, instead of the model's own.")
    var source: String?

    @Option(help: "An IDX file of images, instead of a data set; requires --labels.")
    var images: String?

    @Option(help: "The IDX file of their labels.")
    var labels: String?

    @Flag(help: "With --images: rows and columns are swapped, as in EMNIST's files.")
    var transposed = false

    @Option(help: "test, or validation: the held-out part of the training set.")
    var split: Split = .test

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "Override a key of the section evaluation; repeatable.", valueName: "evaluation.key=value"))
    var overrides: [String] = []

    @Option(help: "The folder in which to create the evaluation's folder.")
    var output: String?

    @Flag(
        help: "Also evaluate on corrupted images: seven kinds at graded strengths, and MNIST-C's others."
    )
    var robustness = false

    @Flag(help: "Test also on images that a model has learned, and say how many; else more than a few are refused.")
    var allowLearned = false

    @OptionGroup var common: CommonOptions

    enum Split: String, CaseIterable, ExpressibleByArgument {
        case test, validation
    }

    func run() throws { try Ranks.join { try run($0) } }

    private func run(_ ranks: Ranks) throws {
        let (paths, saved) = try ranks.together {
            let paths = try SavedModel.paths(model, place: "--model")
            let saved = try load(paths[0])
            for path in paths { noteIfUnfinished(path) }
            return (paths, saved)
        }
        let (pool, name, source, loadedTest, lineData) = try ranks.together {
            let pool = try common.makePool(default: ranks.threads)
            var (name, source, test, lines) = try testSet(saved)
            if !saved.graph.readsLines { try Classifier.check(saved.graph, fits: test.images, named: name) }
            try check(&test, isNewTo: saved, at: paths[0], ranks)
            return (pool, name, source, test, lines)
        }
        var test = loadedTest
        let fingerprint = saved.parameters.fingerprint ^ saved.state.fingerprint
        try ranks.check(
            test.digests.merging(["model": String(fingerprint, radix: 16)]) { first, _ in first },
            are: "the model and the data of rank 0", remedy: "give every host the same files")
        if let lines = lineData {
            guard paths.count == 1, !robustness else {
                throw InputError(
                    robustness ? "--robustness" : "--model", expected: "one network of single images, or lines alone",
                    received: "a network of lines of text")
            }
            return try evaluate(lines, by: saved, on: test, name, source, pool, ranks)
        }
        if test.images.isMultiLabel {
            guard paths.count == 1, !robustness else {
                throw InputError(
                    robustness ? "--robustness" : "--model", expected: "one network alone, or one label an image",
                    received: "images with several labels")
            }
            return try evaluateMultiLabel(saved, on: test, name, source, pool, ranks)
        }
        let ensemble = paths.count == 1 ? nil : try ensemble(paths, first: saved, on: &test, name, pool, ranks)
        guard ranks.isFirst else {
            guard ensemble == nil else { return }
            _ = try Assessment.probabilities(
                of: test.images, experiment: saved.experiment, graph: saved.graph, normalization: saved.normalization,
                parameters: saved.parameters, state: saved.state, pool: pool, ranks: ranks)
            return
        }
        let (folder, environment) = try begin(
            saved, ensemble == nil ? "evaluation" : "ensemble", test, pool, ranks)
        if robustness { try writeRobustness(of: saved, on: test.images, name, source, to: folder, pool) }
        var assessment = Assessment(
            experiment: saved.experiment, graph: saved.graph, normalization: saved.normalization,
            // Fitted to one model, not to the mean of several.
            temperature: ensemble == nil ? saved.temperature : nil, parameters: saved.parameters, state: saved.state,
            dataset: name, source: source, training: nil,
            history: nil, environment: environment,
            reproduction: [reproduction], ensemble: ensemble)
        assessment.notes = test.notes + (self.images == nil ? [] : orientation(saved, test.images, pool))
        try assessment.run(on: test.images, to: folder, common: common, pool: pool, ranks: ranks)
    }

    /// Returns a note if images given by path look transposed to the model.
    private func orientation(_ saved: SavedModel, _ images: ImageSet, _ pool: WorkerPool) -> [String] {
        let classifier = Classifier(
            graph: saved.graph, batchSize: saved.experiment.evaluation.batchSize, for: images.count,
            normalization: saved.normalization, pool: pool)
        classifier.load(parameters: saved.parameters, state: saved.state)
        let share = ImageOrientation.surerTransposed(images) { classifier.probabilities(of: $0) }
        guard let note = ImageOrientation.note(share) else { return [] }
        Console.message("Note: \(note)")
        return [note]
    }

    /// Loads a model, with `--set` applied to its evaluation settings.
    private func load(_ path: String) throws -> SavedModel {
        let saved = try SavedModel.load(path: path)
        guard !overrides.isEmpty else { return saved }
        let experiment = try Experiment.decode(try Overrides.apply(overrides, to: saved.experiment.json), name: "")
        var rest = experiment
        rest.evaluation = saved.experiment.evaluation
        guard rest == saved.experiment else {
            throw InputError(
                "--set", expected: "keys of the section evaluation: a trained model is what it is",
                received: rest.differences(from: saved.experiment).joined(separator: ", "))
        }
        try experiment.checkEvaluation()
        return saved.configured(experiment)
    }

    private func noteIfUnfinished(_ path: String) {
        let trained = RunFolder(URL(fileURLWithPath: path, isDirectory: true))
        guard !trained.isFinished, FileManager.default.fileExists(atPath: trained.url(of: .config).path) else { return }
        Console.message(
            "Note: \(path) is an unfinished run; these are its best weights so far "
                + "(to finish it: trainer --resume \(path))")
    }

    /// Adds a note to the test set if the model has learned a few of its images.
    /// - Throws: An `InputError` if it has learned more, unless `--allow-learned` is given.
    private func check(
        _ test: inout LoadedData.Test, isNewTo model: SavedModel, at path: String, _ ranks: Ranks
    ) throws {
        let note = try StoredData.check(
            test.images, "\(split.rawValue) images", areNewTo: model, at: path,
            remedy: allowLearned ? nil : "test it on others (--data), or with --allow-learned on these all the same")
        guard let note else { return }
        if ranks.isFirst { Console.message("Note: \(note)") }
        test.notes.append(note)
    }

    private func ensemble(
        _ paths: [String], first: SavedModel, on test: inout LoadedData.Test, _ name: String, _ pool: WorkerPool,
        _ ranks: Ranks
    ) throws -> Ensemble {
        guard !robustness else {
            throw InputError("--robustness", expected: "one model", received: "\(paths.count)")
        }
        let images = test.images
        return try Ensemble(
            paths, on: images, dataset: name, pool: pool, communicator: ranks.communicator,
            load: { path in
                let model = try load(path)
                let (mine, others) = (model.experiment, first.experiment)
                guard split == .test || mine.seed == others.seed && mine.data == others.data else {
                    throw InputError(
                        path,
                        expected: "the seed and the data of \(paths[0]), by which training and validation are "
                            + "told apart", received: "others",
                        remedy: "its training may have seen these validation images")
                }
                if path != paths[0] { try check(&test, isNewTo: model, at: path, ranks) }
                return model
            },
            progress: { index, path in common.say("Model \(index + 1) of \(paths.count): \(path)") })
    }

    private func writeRobustness(
        of saved: SavedModel, on images: ImageSet, _ name: String, _ source: LoadedData.Source, to folder: RunFolder,
        _ pool: WorkerPool
    ) throws {
        let classifier = Classifier(
            graph: saved.graph, batchSize: saved.experiment.evaluation.batchSize, for: images.count,
            normalization: saved.normalization, pool: pool)
        classifier.load(parameters: saved.parameters, state: saved.state)
        if let views = saved.experiment.evaluation.testTimeAugmentation?.viewCount, views > 1 {
            Console.message("Note: robustness is measured on single views, not on the mean of \(views)")
        }
        let result = try classifier.robustness(on: images) { show($0) }
        if !common.quiet { ProgressLine.clear() }
        let record = RobustnessRecord(result, dataset: name, dataSource: source == .full ? .full : .sample)
        try folder.write(robustness: record)
        try folder.write(corruptions: CorruptionSheet(images))
        print(record.text)
    }

    /// Shows which corruption is being tested.
    private func show(_ kind: CorruptionKind) {
        guard !common.quiet else { return }
        let index = CorruptionKind.allCases.firstIndex(of: kind) ?? 0
        guard Console.isTerminal else { return Console.message("Robustness: \(kind.rawValue)") }
        ProgressLine(
            head: "Robustness", fraction: Double(index) / Double(CorruptionKind.allCases.count),
            parts: [.init(text: kind.rawValue, rank: 0)]
        ).draw()
    }

    /// Returns the test set: two files given by path, or the test half of a data set.
    private func testSet(_ saved: SavedModel) throws -> (name: String, LoadedData.Source, LoadedData.Test, LineData?) {
        guard (images == nil) == (labels == nil) else {
            throw InputError(
                images == nil ? "--images" : "--labels", expected: "a file: --images and --labels go together",
                received: "none")
        }
        if let images, let labels {
            guard !saved.experiment.data.multiLabel else {
                throw InputError(
                    "--images", expected: "--data, a table, for a network of several labels", received: images)
            }
            if let option = dataset.map({ _ in "--dataset" }) ?? source.map({ _ in "--source" })
                ?? data.map({ _ in "--data" })
            {
                throw InputError(option, expected: "nothing beside --images and --labels", received: "both")
            }
            guard split == .test else {
                throw InputError("--split", expected: "nothing beside --images and --labels", received: "both")
            }
            let test = try DatasetLoader.test(
                images: images, labels: labels, classNames: saved.classNames, transposed: transposed)
            for note in test.notes { Console.message("Note: \(note)") }
            common.say("Data: \(Console.grouped(test.images.count)) images of \(images)")
            let shape = saved.graph.inputShape
            let lines = try saved.experiment.data.lines.map { lines in
                try LineData(lines, height: shape.height, width: shape.width)
            }
            return ("files", .full, test, lines)
        }
        guard !transposed else {
            throw InputError("--transposed", expected: "--images and --labels beside it", received: "neither")
        }
        var options = saved.experiment.dataRequest
        // A folder given by the user is read, whatever the model was trained on.
        if let data { options.replace(with: data) } else { options.directory = try ownData(of: saved) }
        options.modelClasses = saved.classNames
        options.isAllTest = saved.ownData == nil
        options.weightsAreOptional = true
        if dataset != nil || source != nil { (options.provider, options.fold) = (nil, nil) }
        if let dataset {
            // The model's own source may be the sample, which other data sets do not have.
            (options.dataset, options.files, options.source) = (try value(dataset, "--dataset"), nil, .auto)
        }
        if let source { options.source = try value(source, "--source") }
        let loaded = try common.load(options, seed: saved.experiment.seed)
        if let dataset, let data, loaded.dataset != dataset {
            throw InputError(
                "--dataset", expected: "nothing beside data of your own", received: "\(dataset), and \(data)",
                remedy: "leave out one of the two")
        }
        // Before the test images are read, since either half reveals a data set of another shape.
        if !saved.graph.readsLines { try Classifier.check(saved.graph, fits: loaded.train, named: loaded.dataset) }
        guard split == .validation else {
            return (loaded.dataset, loaded.source, try loaded.loadTest(), loaded.lines)
        }
        try saved.requireSingleImages("--split validation")
        guard loaded.validation.count > 0 else {
            throw InputError(
                "--split validation", expected: "a model trained with data.validationFraction above 0", received: "0",
                remedy: "it was trained on the whole training set: only the test set is new to it")
        }
        return (
            loaded.dataset, loaded.source,
            LoadedData.Test(images: loaded.validation, digests: loaded.digests, notes: loaded.notes), nil
        )
    }

    /// Returns the location of the data that a run was trained on, if it had one of its own.
    private func ownData(of saved: SavedModel) throws -> String? {
        guard dataset == nil, source == nil else { return nil }
        return try StoredData.directory(of: saved, at: model.first, to: "test on")
    }

    private func value<Choice: RawRepresentable<String> & CaseIterable>(
        _ text: String, _ option: String
    ) throws -> Choice {
        guard let choice = Choice(rawValue: text) else {
            throw InputError(
                option, expected: "one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))", received: text)
        }
        return choice
    }
}
