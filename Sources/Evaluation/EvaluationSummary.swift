import Tensors

/// Every figure and curve of one classifier on one set of samples.
public struct EvaluationSummary: Hashable, Sendable {
    /// How often the true class is among the k most probable.
    public struct TopK: Hashable, Sendable {
        /// k.
        public var k: Int
        /// The share of samples, in [0, 1].
        public var accuracy: Double
    }

    /// What was predicted and what was true.
    public let predictions: Predictions
    /// Counts by true and predicted class.
    public let confusionMatrix: ConfusionMatrix
    /// Precision, recall and F1 by class and averaged; accuracy.
    public let report: ClassificationReport
    /// 95 %, Wilson.
    public let accuracyInterval: ConfidenceInterval
    /// Mean cross-entropy in nats; what training calls the loss, without label smoothing.
    public let logLoss: Double
    /// `(1/N)·Σᵢ Σⱼ (pᵢⱼ − yᵢⱼ)²`, in [0, 2].
    public let brierScore: Double
    /// For k = 2, 3 and 5, as far as they are below K.
    public let topK: [TopK]
    /// How far confidence can be read as the chance of being right.
    public let calibration: Calibration
    /// Precision–recall curves.
    public let precisionRecall: PrecisionRecallCurves
    /// ROC curves.
    public let roc: ROCCurves
    /// Of the figures that are no proportions; nil where none were taken.
    public let bootstrap: BootstrapIntervals?

    /// What was asked for beside these.
    public let metrics: [MetricValue]

    /// Computes everything; O(N·K·log(N·K)).
    public init(_ predictions: Predictions, bootstrap: BootstrapIntervals? = nil, metrics: [Metric] = []) {
        self.predictions = predictions
        self.metrics = metrics.map { MetricValue(name: $0.description, value: $0.kind.value(predictions)) }
        self.bootstrap = bootstrap
        confusionMatrix = ConfusionMatrix(predictions)
        report = ClassificationReport(confusionMatrix)
        accuracyInterval = .wilson(successes: confusionMatrix.correct, count: predictions.count)
        logLoss = predictions.logLoss
        brierScore = predictions.brierScore
        topK = [2, 3, 5].filter { $0 < predictions.classCount }.map {
            TopK(k: $0, accuracy: predictions.topKAccuracy($0))
        }
        calibration = Calibration(predictions)
        precisionRecall = PrecisionRecallCurves(predictions)
        roc = ROCCurves(predictions)
    }
}
