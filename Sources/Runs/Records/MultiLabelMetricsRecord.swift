import Evaluation
import Formats
import Tensors
import Training

/// `metrics.json` of a run on images with several labels.
package struct MultiLabelMetricsRecord: Hashable, Sendable, Encodable {
    /// The scores of one class.
    package struct Class: Hashable, Sendable, Encodable {
        package var name: String
        package var support: Int
        package var precision: Double
        package var recall: Double
        package var f1: Double
        package var averagePrecision: Double
        /// The area under the ROC curve; nil if all images have the label, or none has.
        package var rocAuc: Double?
    }

    /// The `test` section.
    package struct Test: Hashable, Sendable, Encodable {
        package var count: Int
        /// The share of images with exactly the true labels (subset accuracy).
        package var accuracy: Double
        package var accuracyInterval: ConfidenceInterval
        package var hammingLoss: Double
        /// Nats per decision.
        package var logLoss: Double
        package var precision: Averages
        package var recall: Averages
        package var f1: Averages
        /// The mean over images.
        package var sampleF1: Double
        package var averagePrecision: Averages
        package var macroRocAuc: Double?
        package var perClass: [Class]

        package init(_ evaluation: MultiLabelEvaluation) {
            count = evaluation.count
            accuracy = evaluation.exactShare
            accuracyInterval = evaluation.exactInterval
            hammingLoss = evaluation.hammingLoss
            logLoss = evaluation.logLoss
            precision = evaluation.precision
            recall = evaluation.recall
            f1 = evaluation.f1
            sampleF1 = evaluation.sampleF1
            averagePrecision = evaluation.precisionRecall.averagePrecision
            macroRocAuc = evaluation.roc.macroArea
            perClass = evaluation.perClass.enumerated().map { c, scores in
                Class(
                    name: scores.name, support: scores.support, precision: scores.precision, recall: scores.recall,
                    f1: scores.f1, averagePrecision: evaluation.precisionRecall.perClass[c].averagePrecision,
                    rocAuc: evaluation.roc.perClass[c].area)
            }
        }
    }

    package var kind = "multiLabel"
    package var dataset: String
    package var dataSource: MetricsRecord.DataSource
    package var epochs: Int?
    package var bestEpoch: Int?
    package var trainingSeconds: Double?
    package var imagesPerSecond: Double?
    package var threads: Int
    package var blas: String
    package var parameters: Int
    package var notes: [String]?
    package var test: Test

    package init(
        dataset: String, dataSource: MetricsRecord.DataSource, history: TrainingHistory?, threads: Int, blas: String,
        parameters: Int, notes: [String], test: MultiLabelEvaluation
    ) {
        (self.dataset, self.dataSource, self.threads, self.blas) = (dataset, dataSource, threads, blas)
        epochs = history?.epochs.count
        bestEpoch = history?.bestEpoch
        trainingSeconds = history?.seconds
        imagesPerSecond = history?.imagesPerSecond
        self.parameters = parameters
        self.notes = notes.isEmpty ? nil : notes
        self.test = Test(test)
    }
}

extension RunFolder {
    /// Writes `metrics.json`. Call it last, since the file marks the run as finished.
    package func write(metrics: MultiLabelMetricsRecord) throws(OperationError) {
        try write(try JSONText.encode(metrics, named: RunFile.metrics.rawValue), as: .metrics)
    }
}
