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

    @Option(help: "Folder in which the evaluation's folder is made.")
    var output: String?

    @OptionGroup var common: CommonOptions

    func run() throws {
        let saved = try SavedModel.load(path: model)
        let trained = RunFolder(URL(fileURLWithPath: model, isDirectory: true))
        if !trained.isFinished, FileManager.default.fileExists(atPath: trained.url(of: .config).path) {
            Console.message(
                "Note: \(model) is an unfinished run; these are its best weights so far "
                    + "(to finish it: trainer --resume \(model))")
        }
        var options = saved.experiment.data
        options.directory = data
        if let dataset {
            // The model's own source may be the sample, which other data sets do not have.
            (options.dataset, options.files, options.source) = (try value(dataset, "--dataset"), nil, .auto)
        }
        if let source { options.source = try value(source, "--source") }
        let pool = try common.makePool()
        let loaded = try common.load(options, seed: saved.experiment.seed)
        try Classifier.check(saved.graph, fits: loaded.train, named: loaded.dataset)
        let test = try loaded.loadTest()
        let date = Date()
        let folder = try RunFolder.create(
            in: URL(fileURLWithPath: output ?? saved.experiment.output.directory, isDirectory: true),
            name: saved.experiment.name + "-evaluation", date: date)
        try folder.write(saved.experiment.jsonText, as: .config)
        let environment = EnvironmentRecord(threads: pool.threads, dataDigests: test.digests, date: date)
        try folder.write(environment: environment)
        try Assessment(
            experiment: saved.experiment, graph: saved.graph, normalization: saved.normalization,
            parameters: saved.parameters, state: saved.state, data: loaded, history: nil, environment: environment,
            reproduction: [
                (["swift run trainer"] + CommandLine.arguments.dropFirst().map(Assessment.quoted)).joined(
                    separator: " ")
            ]
        ).run(on: test.images, to: folder, common: common, pool: pool)
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
