import ArgumentParser
import Foundation
import Numeral

/// `trainer evaluate`: every metric and figure of a saved model again.
struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate", abstract: "Evaluate a saved model on a test set and write every metric and figure.")

    @Option(help: "A run folder or a model file.")
    var model: String

    @Option(help: "Folder to look for the data set in first.")
    var data: String?

    @Option(help: "The data set's name, instead of the one the model was trained on.")
    var dataset: String?

    @Option(help: "auto, full or sample, instead of the model's own.")
    var source: String?

    @Option(help: "An IDX file of images, instead of a data set; with --labels.")
    var images: String?

    @Option(help: "The IDX file of their labels.")
    var labels: String?

    @Option(help: "Folder in which the evaluation's folder is made.")
    var output: String?

    @Flag(help: "Also under rotation, scale, shift, shear, noise, blur and contrast at graded strengths.")
    var robustness = false

    @OptionGroup var common: CommonOptions

    func run() throws {
        let saved = try SavedModel.load(path: model)
        let trained = RunFolder(URL(fileURLWithPath: model, isDirectory: true))
        if !trained.isFinished, FileManager.default.fileExists(atPath: trained.url(of: .config).path) {
            Console.message(
                "Note: \(model) is an unfinished run; these are its best weights so far "
                    + "(to finish it: trainer --resume \(model))")
        }
        let pool = try common.makePool()
        let (name, source, test) = try testSet(saved)
        try Classifier.check(saved.graph, fits: test.images, named: name)
        let date = Date()
        let folder = try RunFolder.create(
            in: URL(fileURLWithPath: output ?? saved.experiment.output.directory, isDirectory: true),
            name: saved.experiment.name + "-evaluation", date: date)
        try folder.write(saved.experiment.jsonText, as: .config)
        let environment = EnvironmentRecord(threads: pool.threads, dataDigests: test.digests, date: date)
        try folder.write(environment: environment)
        if robustness {
            let classifier = Classifier(
                graph: saved.graph, batchSize: saved.experiment.evaluation.batchSize,
                normalization: saved.normalization, pool: pool)
            classifier.load(parameters: saved.parameters, state: saved.state)
            let result = try classifier.robustness(on: test.images) { show($0) }
            if !common.quiet { ProgressLine.clear() }
            let record = RobustnessRecord(
                result, dataset: name, dataSource: source == .full ? .full : .sample)
            try folder.write(robustness: record)
            print(record.text)
        }
        try Assessment(
            experiment: saved.experiment, graph: saved.graph, normalization: saved.normalization,
            temperature: saved.temperature, parameters: saved.parameters, state: saved.state, dataset: name,
            source: source, training: nil, history: nil, environment: environment,
            reproduction: [
                (["swift run trainer"] + CommandLine.arguments.dropFirst().map(Assessment.quoted)).joined(
                    separator: " ")
            ]
        ).run(on: test.images, to: folder, common: common, pool: pool)
    }

    /// Which corruption is being tried.
    private func show(_ kind: CorruptionKind) {
        guard !common.quiet else { return }
        let index = CorruptionKind.allCases.firstIndex(of: kind) ?? 0
        guard Console.isTerminal else { return Console.message("Robustness: \(kind.rawValue)") }
        ProgressLine(
            head: "Robustness", fraction: Double(index) / Double(CorruptionKind.allCases.count),
            parts: [.init(text: kind.rawValue, rank: 0)]
        ).draw()
    }

    /// Two files by path, or the test half of a data set.
    private func testSet(_ saved: SavedModel) throws -> (name: String, LoadedData.Source, LoadedData.Test) {
        guard (images == nil) == (labels == nil) else {
            throw InputError(
                images == nil ? "--images" : "--labels", expected: "a file: --images and --labels go together",
                received: "none")
        }
        if let images, let labels {
            if let option = dataset.map({ _ in "--dataset" }) ?? source.map({ _ in "--source" })
                ?? data.map({ _ in "--data" })
            {
                throw InputError(option, expected: "nothing beside --images and --labels", received: "both")
            }
            let test = try DatasetLoader.test(images: images, labels: labels, classNames: saved.classNames)
            common.say("Data: \(Console.grouped(test.images.count)) images of \(images)")
            return ("files", .full, test)
        }
        var options = saved.experiment.data
        options.directory = data
        if let dataset {
            // The model's own source may be the sample, which other data sets do not have.
            (options.dataset, options.files, options.source) = (try value(dataset, "--dataset"), nil, .auto)
        }
        if let source { options.source = try value(source, "--source") }
        let loaded = try common.load(options, seed: saved.experiment.seed)
        // Before the test images are read: a data set of another shape is told apart by either half.
        try Classifier.check(saved.graph, fits: loaded.train, named: loaded.dataset)
        return (loaded.dataset, loaded.source, try loaded.loadTest())
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
