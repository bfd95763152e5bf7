import Tensors

/// All figures and curves of one classifier on one set of samples.
public struct EvaluationSummary: Hashable, Sendable {
    /// The top-k accuracy: how often the true class is among the k most probable.
    public struct TopK: Hashable, Sendable {
        /// The number of most probable classes considered.
        public var k: Int
        /// The fraction of samples, in [0, 1].
        public var accuracy: Double
    }

    /// The predictions and the true classes.
    public let predictions: Predictions
    /// The sample counts by true and predicted class.
    public let confusionMatrix: ConfusionMatrix
    /// The precision, recall and F1 per class and averaged, and the accuracy.
    public let report: ClassificationReport
    /// The 95 % Wilson interval of the accuracy.
    public let accuracyInterval: ConfidenceInterval
    /// The mean cross-entropy in nats: the training loss without label smoothing.
    public let logLoss: Double
    /// The Brier score, `(1/N)·Σᵢ Σⱼ (pᵢⱼ − yᵢⱼ)²`, in [0, 2].
    public let brierScore: Double
    /// The top-k accuracies for those of k = 2, 3 and 5 that are below K.
    public let topK: [TopK]
    /// How well confidence matches the probability of being correct.
    public let calibration: Calibration
    /// The precision–recall curves.
    public let precisionRecall: PrecisionRecallCurves
    /// The ROC curves.
    public let roc: ROCCurves
    /// The bootstrap intervals of figures that are not proportions; nil if none were computed.
    public let bootstrap: BootstrapIntervals?

    /// The additional metrics that were requested.
    public let metrics: [MetricValue]

    /// Computes all figures; O(N·K·log(N·K)).
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
