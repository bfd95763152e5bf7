import Tensors

/// Every figure and curve of one classifier on one set of samples.
public struct EvaluationSummary: Hashable, Sendable {
    public struct TopK: Hashable, Sendable {
        public var k: Int
        public var accuracy: Double
    }

    public let predictions: Predictions
    public let confusionMatrix: ConfusionMatrix
    public let report: ClassificationReport
    /// 95 %, Wilson.
    public let accuracyInterval: ConfidenceInterval
    /// Mean cross-entropy in nats; what training calls the loss, without label smoothing.
    public let logLoss: Double
    public let brierScore: Double
    /// For k = 2, 3 and 5, as far as they are below K.
    public let topK: [TopK]
    public let calibration: Calibration
    public let precisionRecall: PrecisionRecallCurves
    public let roc: ROCCurves
    /// Of the figures that are no proportions; nil where none were taken.
    public let bootstrap: BootstrapIntervals?

    /// Computes everything; O(N·K·log(N·K)).
    public init(_ predictions: Predictions, bootstrap: BootstrapIntervals? = nil) {
        self.predictions = predictions
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
