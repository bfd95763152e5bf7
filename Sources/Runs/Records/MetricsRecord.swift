import Evaluation
import Training

/// `metrics.json`: the metrics of a run in machine-readable form. Absent values are `null`.
package struct MetricsRecord: Hashable, Sendable, Codable {
    /// Which samples the run saw.
    package enum DataSource: String, Hashable, Sendable, Codable {
        case full, sample
    }

    /// The outcome of training; absent if a stored model was evaluated.
    package struct Training: Hashable, Sendable {
        /// The number of epochs trained, not counting those that early stopping skipped.
        package var epochs: Int
        /// The epoch whose weights were kept, from 1.
        package var bestEpoch: Int
        package var stoppedEarly: Bool
        package var seconds: Double
        package var imagesPerSecond: Double

        package init(_ history: TrainingHistory) {
            epochs = history.epochs.count
            bestEpoch = history.bestEpoch
            stoppedEarly = history.stoppedEarly
            seconds = history.seconds
            imagesPerSecond = history.imagesPerSecond
        }
    }

    package var dataset: String
    package var dataSource: DataSource
    package var epochs: Int?
    package var bestEpoch: Int?
    package var stoppedEarly: Bool?
    package var trainingSeconds: Double?
    package var imagesPerSecond: Double?
    package var threads: Int
    /// The BLAS backend with its kernel, as a reader would name it.
    package var blas: String
    /// The number of trainable parameters of the model.
    package var parameters: Int
    /// The number that logits are divided by to calibrate the model's probabilities, fitted on the validation images.
    /// The test metrics are computed without it.
    package var temperature: Double?
    /// The number of views of each test image whose probabilities were averaged; absent if only the image itself was
    /// used.
    package var views: Int?
    /// The number of models whose probabilities were averaged; absent for a single model.
    package var models: Int?
    /// Unusual properties of the data that affect the metrics.
    package var notes: [String]?
    /// The SHA-256 of the test images, by which runs are known to have the same; nil in older files.
    package var imagesDigest: String?
    package var test: TestMetrics

    package init(
        dataset: String, dataSource: DataSource, training: Training?, threads: Int, blas: String, parameters: Int,
        temperature: Double? = nil, test: EvaluationSummary
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
        self.temperature = temperature
        self.test = TestMetrics(test)
    }

    package func encode(to encoder: any Encoder) throws {
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
        try container.encodeFigure(temperature, forKey: .temperature)
        try container.encodeIfPresent(views, forKey: .views)
        try container.encodeIfPresent(models, forKey: .models)
        try container.encodeIfPresent(notes, forKey: .notes)
        try container.encodeIfPresent(imagesDigest, forKey: .imagesDigest)
        try container.encode(test, forKey: .test)
    }
}

/// The `test` section of `metrics.json`. Every metric can be recomputed from `predictions.csv`.
package struct TestMetrics: Hashable, Sendable, Codable {
    /// Areas under the ROC curves; nil if a class lacks positives or negatives.
    package struct Areas: Hashable, Sendable, Codable {
        package var macro: Double?
        package var micro: Double?
        package var weighted: Double?

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encodeFigure(macro, forKey: .macro)
            try container.encodeFigure(micro, forKey: .micro)
            try container.encodeFigure(weighted, forKey: .weighted)
        }
    }

    package struct ClassMetrics: Hashable, Sendable, Codable {
        package var index: Int
        package var name: String
        package var precision: Double
        package var recall: Double
        package var f1: Double
        package var support: Int
        package var averagePrecision: Double
        package var rocAuc: Double?
        /// The Wilson interval; nil if the value is 0/0.
        package var precisionInterval: ConfidenceInterval?
        package var recallInterval: ConfidenceInterval?
        /// The interval of Jaccard's index, converted (``ClassScores/f1Interval``).
        package var f1Interval: ConfidenceInterval?

        package func encode(to encoder: any Encoder) throws {
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

    /// Intervals of metrics that are not proportions (``BootstrapIntervals``).
    package struct Bootstrap: Hashable, Sendable, Codable {
        package var resamples: Int
        package var seed: UInt64
        /// The intervals by the metric's path in this section of the file: `f1.macro`, `logLoss`.
        package var intervals: [String: ConfidenceInterval]

        init(_ bootstrap: BootstrapIntervals) {
            resamples = bootstrap.resamples
            seed = bootstrap.seed
            intervals = Dictionary(
                uniqueKeysWithValues: bootstrap.intervals.map { ($0.key.rawValue, $0.value) })
        }
    }

    /// The number of samples.
    package var count: Int
    /// The number of classes that macro averages are taken over; nil in records of earlier versions.
    package var macroClasses: Int?
    /// How many of these classes have no sample and count as 0; nil in records of earlier versions.
    package var classesWithoutSamples: Int?
    /// The mean cross-entropy in nats; equal to `logLoss`.
    package var loss: Double
    package var accuracy: Double
    package var accuracyInterval: ConfidenceInterval
    package var precision: Averages
    package var recall: Averages
    package var f1: Averages
    package var averagePrecision: Averages
    package var rocAuc: Areas
    /// The top-k accuracy, by k.
    package var topK: [String: Double]
    package var logLoss: Double
    package var brier: Double
    /// The expected calibration error, with 15 bins.
    package var calibrationError: Double
    package var kappa: Double?
    package var matthews: Double
    /// The additional metrics that the configuration requests, by type and options; null if undefined.
    package var metrics: [String: Double?]?
    package var bootstrap: Bootstrap?
    package var perClass: [ClassMetrics]

    package init(_ summary: EvaluationSummary) {
        let report = summary.report
        count = report.count
        macroClasses = report.perClass.count
        classesWithoutSamples = report.perClass.count { $0.support == 0 }
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
        if !summary.metrics.isEmpty {
            metrics = Dictionary(
                summary.metrics.map { ($0.name, $0.value.isFinite ? $0.value : nil) },
                uniquingKeysWith: { first, _ in first })
        }
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

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(count, forKey: .count)
        try container.encodeIfPresent(macroClasses, forKey: .macroClasses)
        try container.encodeIfPresent(classesWithoutSamples, forKey: .classesWithoutSamples)
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
        try container.encodeIfPresent(metrics, forKey: .metrics)
        try container.encode(bootstrap, forKey: .bootstrap)
        try container.encode(perClass, forKey: .perClass)
    }
}
