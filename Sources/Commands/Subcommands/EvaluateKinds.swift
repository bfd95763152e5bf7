import Foundation
import Numeral
import Runs
import Workers

extension EvaluateCommand {
    /// Evaluates a network of lines on lines composed of the test images.
    func evaluate(
        _ lines: LineData, by saved: SavedModel, on test: LoadedData.Test, _ name: String,
        _ source: LoadedData.Source, _ pool: WorkerPool, _ ranks: Ranks
    ) throws {
        guard ranks.isFirst else { return }
        let (folder, environment) = try begin(saved, "evaluation", test, pool, ranks)
        let assessment = LineAssessment(
            experiment: saved.experiment, graph: saved.graph, temperature: saved.temperature,
            parameters: saved.parameters, state: saved.state, dataset: name, source: source,
            lines: lines, environment: environment,
            reproduction: [reproduction], notes: test.notes)
        try assessment.run(on: test.images, to: folder, common: common, pool: pool)
    }

    /// Evaluates a network on images with several labels.
    func evaluateMultiLabel(
        _ saved: SavedModel, on test: LoadedData.Test, _ name: String, _ source: LoadedData.Source,
        _ pool: WorkerPool, _ ranks: Ranks
    ) throws {
        guard ranks.isFirst else { return }
        let (folder, environment) = try begin(saved, "evaluation", test, pool, ranks)
        let assessment = MultiLabelAssessment(
            experiment: saved.experiment, graph: saved.graph, normalization: saved.normalization,
            parameters: saved.parameters, state: saved.state, dataset: name, source: source, history: nil,
            environment: environment, reproduction: [reproduction], notes: test.notes)
        try assessment.run(on: test.images, to: folder, pool: pool)
    }

    /// Creates the folder of the evaluation, with the configuration and the environment.
    func begin(
        _ saved: SavedModel, _ kind: String, _ test: LoadedData.Test, _ pool: WorkerPool, _ ranks: Ranks
    ) throws -> (RunFolder, EnvironmentRecord) {
        let date = Date()
        let folder = try RunFolder.create(
            in: URL(fileURLWithPath: output ?? saved.experiment.output.directory, isDirectory: true),
            name: "\(saved.experiment.name)-\(kind)", date: date)
        try folder.write(saved.experiment.jsonText, as: .config)
        let environment = EnvironmentRecord(
            threads: pool.threads, ranks: ranks, dataDigests: test.digests, date: date)
        try folder.write(environment: environment)
        return (folder, environment)
    }

    var reproduction: String {
        (["swift run trainer"] + CommandLine.arguments.dropFirst().map(Assessment.quoted)).joined(separator: " ")
    }
}
