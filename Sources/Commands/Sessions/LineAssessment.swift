import Foundation
import LinearAlgebra
import Numeral
import Reports
import Runs
import Tensors
import Workers

/// The test at the end of training on lines of text: composes and reads the test lines, and writes and prints metrics.
struct LineAssessment {
    var experiment: Experiment
    var graph: ResolvedGraph
    var temperature: Double?
    var parameters: AlignedBuffer<Float>
    var state: AlignedBuffer<Float>
    /// The data set's name.
    var dataset: String
    var source: LoadedData.Source
    var lines: LineData
    /// The characters it was trained on, and the history; nil if a stored model is evaluated.
    var training: (characters: ImageSet, history: TrainingHistory)? = nil
    var environment: EnvironmentRecord
    var reproduction: [String]
    var notes: [String] = []

    /// - Parameter beforeEnd: called before `metrics.json` marks the run as finished.
    func run(
        on characters: ImageSet, to folder: RunFolder, common: CommonOptions, pool: WorkerPool,
        beforeEnd: () throws -> Void = {}
    ) throws {
        let graphs = try graph.widened(to: lines.widths), columns = graphs.map(\.outputColumns)
        let set = try lines.test(of: characters, seed: experiment.seed, columns: columns)
        let networks = LineNetworks(graphs, batchSize: experiment.evaluation.batchSize, pool: pool)
        networks.load(parameters: parameters, state: state)
        let evaluation = LineEvaluation(
            networks.predictions(of: set, temperature: temperature ?? 1), classNames: set.classNames)
        let mistakes = try LineSheet.mistakes(evaluation, set)
        let composed = try training.map { training in
            try lines.sheet(of: training.characters, seed: experiment.seed, columns: columns)
        }
        try folder.write(LinesTable.csv(evaluation), as: .lines)
        try folder.write(AcceptanceFigure.csv(evaluation), as: .acceptance)
        try folder.write(AcceptanceFigure.figure(evaluation).svg, as: .acceptanceFigure)
        try folder.write(mistakes.figure.svg, as: .mistakesFigure)
        if let composed { try folder.write(composed.figure.svg, as: .composedFigure) }
        let report = LineReport(
            name: experiment.name, dataset: dataset, isSample: source == .sample, graph: graph,
            evaluation: evaluation, history: training?.history, trainingLines: lines.trainingCount, composed: composed,
            mistakes: mistakes, notes: notes, configuration: experiment.jsonText, environment: environment,
            reproduction: reproduction)
        try folder.write(try report.html(), as: .report)
        try beforeEnd()
        try folder.write(
            metrics: LineMetricsRecord(
                dataset: dataset, dataSource: source == .full ? .full : .sample, history: training?.history,
                threads: pool.threads,
                blas: BLASVendor.summary,
                parameters: graph.parameterCount, temperature: temperature, notes: notes, test: evaluation))
        if source == .sample {
            print("On lines of the BUNDLED SAMPLE of \(dataset) (3,500 / 500 / 1,000 images), not the full set\n")
        }
        print(LineSummary.text(evaluation))
        print("Everything is in \(folder.url.relativePath); read \(RunFile.report.rawValue) there")
    }
}

extension LineData {
    /// Returns pictures of the first lines that are composed of `characters`.
    /// - Parameter columns: the networks' columns, for each of ``LineData/widths``.
    func sheet(of characters: ImageSet, seed: UInt64, columns: [Int]) throws -> LineSheet {
        try LineSheet.samples(
            samples(of: characters, count: 40, seed: seed, columns: columns), areComposed: stored == nil)
    }
}
