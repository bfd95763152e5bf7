import Evaluation
import Training

/// `metrics.json`: the figures of a run in a form that programs read. Absent figures are `null`.
package struct MetricsRecord: Hashable, Sendable, Codable {
    /// Which samples the run saw.
    package enum DataSource: String, Hashable, Sendable, Codable {
        case full, sample
    }

    /// What training told; absent where a stored model was evaluated.
    package struct Training: Hashable, Sendable {
        /// Epochs that were trained, the stopped ones not counted.
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
    /// Backend with its kernel, as a reader would name it.
    package var blas: String
    /// Trainable numbers of the model.
    package var parameters: Int
    /// What logits are divided by so that the model's probabilities are calibrated, found on the validation images; the
    /// figures of the test are without it.
    package var temperature: Double?
    /// Views of each test image whose probabilities were averaged; absent where the image alone was.
    package var views: Int?
    /// Models whose probabilities were averaged; absent where it was one.
    package var models: Int?
    /// What is unusual about the data and bears on the figures.
    package var notes: [String]?
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
        try container.encode(test, forKey: .test)
    }
}

/// The part `test` of `metrics.json`; every figure can be recomputed from `predictions.csv`.
package struct TestMetrics: Hashable, Sendable, Codable {
    /// Areas under the ROC curves; nil where a class lacks positives or negatives.
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
        /// Wilson's; nil where the figure is 0/0.
        package var precisionInterval: ConfidenceInterval?
        package var recallInterval: ConfidenceInterval?
        /// Of Jaccard's index, carried over (``ClassScores/f1Interval``).
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

    /// Intervals of figures that are no proportions (``BootstrapIntervals``).
    package struct Bootstrap: Hashable, Sendable, Codable {
        package var resamples: Int
        package var seed: UInt64
        /// By the figure's path in this part of the file: `f1.macro`, `logLoss`.
        package var intervals: [String: ConfidenceInterval]

        init(_ bootstrap: BootstrapIntervals) {
            resamples = bootstrap.resamples
            seed = bootstrap.seed
            intervals = Dictionary(
                uniqueKeysWithValues: bootstrap.intervals.map { ($0.key.rawValue, $0.value) })
        }
    }

    /// Samples.
    package var count: Int
    /// Classes that macro figures are means over, and how many of them have no sample and count 0; nil in records of
    /// earlier versions.
    package var macroClasses: Int?
    package var classesWithoutSamples: Int?
    /// Mean cross-entropy, nats; equal to `logLoss`.
    package var loss: Double
    package var accuracy: Double
    package var accuracyInterval: ConfidenceInterval
    package var precision: Averages
    package var recall: Averages
    package var f1: Averages
    package var averagePrecision: Averages
    package var rocAuc: Areas
    /// Accuracy among the k most probable classes, by k.
    package var topK: [String: Double]
    package var logLoss: Double
    package var brier: Double
    /// Expected calibration error, 15 bins.
    package var calibrationError: Double
    package var kappa: Double?
    package var matthews: Double
    /// What the configuration asked for beside these, by type and options; null where it is not defined.
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
