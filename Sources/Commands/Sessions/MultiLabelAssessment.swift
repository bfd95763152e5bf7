import LinearAlgebra
import Numeral
import Reports
import Runs
import Tensors
import Workers

/// The test at the end of training on images with several labels: writes and prints metrics, tables and figures.
struct MultiLabelAssessment {
    var experiment: Experiment
    var graph: ResolvedGraph
    var normalization: (mean: Float, standardDeviation: Float)?
    var parameters: AlignedBuffer<Float>
    var state: AlignedBuffer<Float>
    /// The data set's name.
    var dataset: String
    var source: LoadedData.Source
    var history: TrainingHistory?
    var environment: EnvironmentRecord
    var reproduction: [String]
    var notes: [String]

    /// - Parameter beforeEnd: called before `metrics.json` marks the run as finished.
    func run(
        on images: ImageSet, to folder: RunFolder, pool: WorkerPool, beforeEnd: () throws -> Void = {}
    ) throws {
        guard let labelSets = images.labelSets else { preconditionFailure("images with several labels") }
        let classifier = Classifier(
            graph: graph, batchSize: experiment.evaluation.batchSize, for: images.count, normalization: normalization,
            pool: pool)
        classifier.load(parameters: parameters, state: state)
        let probabilities = classifier.labelProbabilities(of: images)
        try images.checkReading()
        let evaluation = try MultiLabelEvaluation(
            labelSets: labelSets, probabilities: probabilities, classNames: images.classNames)
        let report = MultiLabelReport(
            name: experiment.name, dataset: dataset, graph: graph, evaluation: evaluation, history: history,
            notes: notes, configuration: experiment.jsonText, environment: environment, reproduction: reproduction)
        try report.write(to: folder)
        try beforeEnd()
        try folder.write(
            metrics: MultiLabelMetricsRecord(
                dataset: dataset, dataSource: source == .full ? .full : .sample, history: history,
                threads: pool.threads,
                blas: BLASVendor.summary,
                parameters: graph.parameterCount, notes: notes, test: evaluation))
        print(report.summary)
        print(Console.table(report.table, left: [0]) + "\n")
        print("Everything is in \(folder.url.relativePath); read \(RunFile.report.rawValue) there")
    }
}
