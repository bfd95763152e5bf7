import Foundation
import LinearAlgebra
import Numeral
import Reports
import Runs
import Tensors
import Workers

/// The steps that training and evaluating share, for a trained network and a test set: classify, write, print.
struct Assessment {
    var experiment: Experiment
    var graph: ResolvedGraph
    var normalization: (mean: Float, standardDeviation: Float)?
    /// The temperature that calibrates its probabilities, if known.
    var temperature: Double?
    var parameters: AlignedBuffer<Float>
    var state: AlignedBuffer<Float>
    /// The data set's name.
    var dataset: String
    var source: LoadedData.Source
    /// The training data, if `history` is that of training on them.
    var training: LoadedData?
    var history: TrainingHistory?
    var environment: EnvironmentRecord
    /// Commands that repeat the assessment.
    var reproduction: [String]
    /// The models whose averaged probabilities replace those of a single one; `graph` is the first one's.
    var ensemble: Ensemble? = nil
    /// The class probabilities of every image if they are known already, as in a cross-validation, which has several
    /// networks.
    var probabilities: [Float]? = nil
    /// Whether the console shows one line instead of the tables.
    var isBrief = false
    /// Notes on the data that were printed already, for the record.
    var notes: [String] = []

    /// Classifies the test images, writes all results, and prints the summary.
    /// - Parameter beforeEnd: called before `metrics.json` marks the run as finished.
    func run(
        on images: ImageSet, to folder: RunFolder, common: CommonOptions, pool: WorkerPool, ranks: Ranks,
        beforeEnd: (EvaluationSummary) throws -> Void = { _ in }
    ) throws {
        let predictions = try Predictions(
            labels: images.labels.map(Int.init),
            probabilities: try probabilities ?? ensemble?.probabilities
                ?? Self.probabilities(
                    of: images, experiment: experiment, graph: graph, normalization: normalization,
                    parameters: parameters, state: state, pool: pool, ranks: ranks),
            classNames: images.classNames)
        let clock = ContinuousClock()
        let start = clock.now
        let evaluation = EvaluationSummary(
            predictions, bootstrap: BootstrapIntervals(predictions, seed: experiment.seed, pool: pool),
            metrics: experiment.evaluation.metrics)
        var metrics = MetricsRecord(
            dataset: dataset, dataSource: source == .full ? .full : .sample,
            training: history.map(MetricsRecord.Training.init), threads: pool.threads,
            blas: BLASVendor.summary,
            parameters: ensemble?.parameterCount ?? graph.parameterCount, temperature: temperature, test: evaluation)
        metrics.views = views > 1 ? views : nil
        metrics.models = ensemble?.members.count
        metrics.imagesDigest = try images.digest()
        let testNotes = DataNotes.test(images)
        for note in testNotes { Console.message("Note: \(note)") }
        metrics.notes = notes + testNotes
        if let ensemble { try folder.write(members: ensemble.members) }
        try folder.write(evaluation: evaluation)
        let pictures = try pictures(evaluation, images, pool)
        try folder.write(pictures: pictures)
        try folder.write(report: report(evaluation, metrics, pictures))
        try beforeEnd(evaluation)
        // Last, since it marks the run as finished.
        try folder.write(metrics: metrics)
        let seconds = (clock.now - start) / .seconds(1)
        common.say("Metrics, figures and report in \(Console.fixed(seconds, 2)) s")
        guard !isBrief else {
            return common.say(
                "Accuracy \(Console.fixed(100 * evaluation.report.accuracy, 2)) % of "
                    + "\(Console.grouped(predictions.count)) images; report in \(folder.url.relativePath)")
        }
        if source == .sample, experiment.data.fold != nil || probabilities != nil {
            print("On images of the BUNDLED SAMPLE of \(dataset), not the full set\n")
        } else if source == .sample {
            print("On the BUNDLED SAMPLE of \(dataset) (3,500 / 500 / 1,000 images), not the full set\n")
        }
        if let ensemble { print(MembersTable.text(ensemble.members)) }
        if views > 1 { print("Each image is judged by the mean of \(views) views of it\n") }
        print(ConsoleSummary.text(evaluation))
        print("Everything is in \(folder.url.relativePath); read \(RunFile.report.rawValue) there")
    }

    private var views: Int { experiment.evaluation.testTimeAugmentation?.viewCount ?? 1 }

    /// Returns the class probabilities of every image. All ranks must call it; they share the work.
    static func probabilities(
        of images: ImageSet, experiment: Experiment, graph: ResolvedGraph,
        normalization: (mean: Float, standardDeviation: Float)?, parameters: AlignedBuffer<Float>,
        state: AlignedBuffer<Float>, pool: WorkerPool, ranks: Ranks
    ) throws -> [Float] {
        let classifier = Classifier(
            graph: graph, batchSize: experiment.evaluation.batchSize, for: images.count, normalization: normalization,
            pool: pool, communicator: ranks.communicator)
        classifier.load(parameters: parameters, state: state)
        let probabilities = try classifier.probabilities(
            of: images, averagedOver: experiment.evaluation.testTimeAugmentation)
        try images.checkReading()
        return probabilities
    }

    private func pictures(
        _ evaluation: EvaluationSummary, _ images: ImageSet, _ pool: WorkerPool
    ) throws -> RunPictures {
        var pictures = RunPictures(mistakes: try Mistakes(evaluation, images: images))
        // Filters and features belong to a single network.
        guard ensemble == nil, probabilities == nil else { return pictures }
        pictures.filters = try FilterSheet(graph, parameters: parameters)
        if let training, history != nil, !experiment.augmentation.isIdentity {
            pictures.augmentation = try AugmentationSheet(
                training.train, options: experiment.augmentation, seed: experiment.seed)
        }
        let extractor = FeatureExtractor(
            graph: graph, batchSize: experiment.evaluation.batchSize, normalization: normalization, pool: pool)
        extractor.load(parameters: parameters, state: state)
        do {
            pictures.embedding = try EmbeddingMap(evaluation, images: images, extractor: extractor)
        } catch {
            Console.message("Note: the report has no embedding of the test set: \(error.problem)")
        }
        return pictures
    }

    private func report(
        _ evaluation: EvaluationSummary, _ metrics: MetricsRecord, _ pictures: RunPictures
    ) -> RunReport {
        var report = RunReport(
            name: experiment.name,
            data: .init(
                dataset: dataset, isSample: source == .sample, training: training?.train.count,
                validation: training?.validation.count,
                choosesEpoch: experiment.training.earlyStopping != nil, imageShape: graph.inputShape),
            graph: graph, evaluation: evaluation, metrics: metrics, history: history, pictures: pictures,
            configuration: experiment.jsonText, environment: environment, reproduction: reproduction)
        report.members = ensemble?.members ?? []
        report.views = views
        return report
    }

    /// Returns an argument, quoted for a shell if necessary.
    static func quoted(_ argument: String) -> String {
        let plain = argument.unicodeScalars.allSatisfy {
            $0.properties.isAlphabetic && $0.isASCII || "0123456789-_./=:,+@%[]".unicodeScalars.contains($0)
        }
        return plain && !argument.isEmpty ? argument : "'" + argument.replacing("'", with: "'\\''") + "'"
    }
}
