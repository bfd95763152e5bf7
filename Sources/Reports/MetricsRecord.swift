import Evaluation
import Training

/// `metrics.json`: the figures of a run in a form that programs read. Absent figures are `null`.
public struct MetricsRecord: Hashable, Sendable, Codable {
    /// Which samples the run saw.
    public enum DataSource: String, Hashable, Sendable, Codable {
        case full, sample
    }

    /// What training told; absent where a stored model was evaluated.
    public struct Training: Hashable, Sendable {
        /// Epochs that were trained, the stopped ones not counted.
        public var epochs: Int
        /// The epoch whose weights were kept, from 1.
        public var bestEpoch: Int
        public var stoppedEarly: Bool
        public var seconds: Double
        public var imagesPerSecond: Double

        public init(_ history: TrainingHistory) {
            epochs = history.epochs.count
            bestEpoch = history.bestEpoch
            stoppedEarly = history.stoppedEarly
            seconds = history.seconds
            imagesPerSecond = history.imagesPerSecond
        }
    }

    public var dataset: String
    public var dataSource: DataSource
    public var epochs: Int?
    public var bestEpoch: Int?
    public var stoppedEarly: Bool?
    public var trainingSeconds: Double?
    public var imagesPerSecond: Double?
    public var threads: Int
    /// Backend with its kernel, as a reader would name it.
    public var blas: String
    /// Trainable numbers of the model.
    public var parameters: Int
    /// Views of each test image whose probabilities were averaged; absent where the image alone was.
    package var views: Int?
    /// Models whose probabilities were averaged; absent where it was one.
    package var models: Int?
    public var test: TestMetrics

    public init(
        dataset: String, dataSource: DataSource, training: Training?, threads: Int, blas: String, parameters: Int,
        test: EvaluationSummary
    ) {
        self.dataset = dataset
        self.dataSource = dataSource
        epochs = training?.epochs
        bestEpoch = training?.bestEpoch
        stoppedEarly = training?.stoppedEarly
        trainingSeconds = training?.seconds
        imagesPerSecond = training?.imagesPerSecond
        self.threads = threads
        self.blas = blas
        self.parameters = parameters
        self.test = TestMetrics(test)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(dataset, forKey: .dataset)
        try container.encode(dataSource, forKey: .dataSource)
        try container.encode(epochs, forKey: .epochs)
        try container.encode(bestEpoch, forKey: .bestEpoch)
        try container.encode(stoppedEarly, forKey: .stoppedEarly)
        try container.encodeFigure(trainingSeconds, forKey: .trainingSeconds)
        try container.encodeFigure(imagesPerSecond, forKey: .imagesPerSecond)
        try container.encode(threads, forKey: .threads)
        try container.encode(blas, forKey: .blas)
        try container.encode(parameters, forKey: .parameters)
        try container.encodeIfPresent(views, forKey: .views)
        try container.encodeIfPresent(models, forKey: .models)
        try container.encode(test, forKey: .test)
    }
}

/// The part `test` of `metrics.json`; every figure can be recomputed from `predictions.csv`.
public struct TestMetrics: Hashable, Sendable, Codable {
    /// Areas under the ROC curves; nil where a class lacks positives or negatives.
    public struct Areas: Hashable, Sendable, Codable {
        public var macro: Double?
        public var micro: Double?
        public var weighted: Double?

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encodeFigure(macro, forKey: .macro)
            try container.encodeFigure(micro, forKey: .micro)
            try container.encodeFigure(weighted, forKey: .weighted)
        }
    }

    public struct ClassMetrics: Hashable, Sendable, Codable {
        public var index: Int
        public var name: String
        public var precision: Double
        public var recall: Double
        public var f1: Double
        public var support: Int
        public var averagePrecision: Double
        public var rocAuc: Double?
        /// Wilson's; nil where the figure is 0/0.
        public var precisionInterval: ConfidenceInterval?
        public var recallInterval: ConfidenceInterval?
        /// Of Jaccard's index, carried over (``ClassScores/f1Interval``).
        public var f1Interval: ConfidenceInterval?

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(index, forKey: .index)
            try container.encode(name, forKey: .name)
            try container.encode(precision, forKey: .precision)
            try container.encode(recall, forKey: .recall)
            try container.encode(f1, forKey: .f1)
            try container.encode(support, forKey: .support)
            try container.encode(averagePrecision, forKey: .averagePrecision)
            try container.encodeFigure(rocAuc, forKey: .rocAuc)
            try container.encode(precisionInterval, forKey: .precisionInterval)
            try container.encode(recallInterval, forKey: .recallInterval)
            try container.encode(f1Interval, forKey: .f1Interval)
        }
    }

    /// Intervals of figures that are no proportions (``BootstrapIntervals``).
    public struct Bootstrap: Hashable, Sendable, Codable {
        public var resamples: Int
        public var seed: UInt64
        /// By the figure's path in this part of the file: `f1.macro`, `logLoss`.
        public var intervals: [String: ConfidenceInterval]

        init(_ bootstrap: BootstrapIntervals) {
            resamples = bootstrap.resamples
            seed = bootstrap.seed
            intervals = Dictionary(
                uniqueKeysWithValues: bootstrap.intervals.map { ($0.key.rawValue, $0.value) })
        }
    }

    /// Samples.
    public var count: Int
    /// Mean cross-entropy, nats; equal to `logLoss`.
    public var loss: Double
    public var accuracy: Double
    public var accuracyInterval: ConfidenceInterval
    public var precision: Averages
    public var recall: Averages
    public var f1: Averages
    public var averagePrecision: Averages
    public var rocAuc: Areas
    /// Accuracy among the k most probable classes, by k.
    public var topK: [String: Double]
    public var logLoss: Double
    public var brier: Double
    /// Expected calibration error, 15 bins.
    public var calibrationError: Double
    public var kappa: Double?
    public var matthews: Double
    public var bootstrap: Bootstrap?
    public var perClass: [ClassMetrics]

    public init(_ summary: EvaluationSummary) {
        let report = summary.report
        count = report.count
        loss = summary.logLoss
        accuracy = report.accuracy
        accuracyInterval = summary.accuracyInterval
        precision = report.precision
        recall = report.recall
        f1 = report.f1
        averagePrecision = summary.precisionRecall.averagePrecision
        rocAuc = Areas(
            macro: summary.roc.macroArea, micro: summary.roc.micro.area, weighted: summary.roc.weightedArea)
        topK = Dictionary(uniqueKeysWithValues: summary.topK.map { ("\($0.k)", $0.accuracy) })
        logLoss = summary.logLoss
        brier = summary.brierScore
        calibrationError = summary.calibration.expectedError
        kappa = summary.confusionMatrix.kappa
        matthews = summary.confusionMatrix.matthews
        bootstrap = summary.bootstrap.map(Bootstrap.init)
        perClass = report.perClass.indices.map { c in
            let scores = report.perClass[c]
            return ClassMetrics(
                index: c, name: scores.name, precision: scores.precision, recall: scores.recall, f1: scores.f1,
                support: scores.support, averagePrecision: summary.precisionRecall.perClass[c].averagePrecision,
                rocAuc: summary.roc.perClass[c].area, precisionInterval: scores.precisionInterval,
                recallInterval: scores.recallInterval, f1Interval: scores.f1Interval)
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(count, forKey: .count)
        try container.encode(loss, forKey: .loss)
        try container.encode(accuracy, forKey: .accuracy)
        try container.encode(accuracyInterval, forKey: .accuracyInterval)
        try container.encode(precision, forKey: .precision)
        try container.encode(recall, forKey: .recall)
        try container.encode(f1, forKey: .f1)
        try container.encode(averagePrecision, forKey: .averagePrecision)
        try container.encode(rocAuc, forKey: .rocAuc)
        try container.encode(topK, forKey: .topK)
        try container.encode(logLoss, forKey: .logLoss)
        try container.encode(brier, forKey: .brier)
        try container.encode(calibrationError, forKey: .calibrationError)
        try container.encodeFigure(kappa, forKey: .kappa)
        try container.encode(matthews, forKey: .matthews)
        try container.encode(bootstrap, forKey: .bootstrap)
        try container.encode(perClass, forKey: .perClass)
    }
}
