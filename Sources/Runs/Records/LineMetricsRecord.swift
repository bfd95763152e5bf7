import Evaluation
import Formats
import Tensors
import Training

/// `metrics.json` of a run on lines of text.
package struct LineMetricsRecord: Hashable, Sendable, Encodable {
    /// A confusion of two characters; nil stands for no character.
    package struct Confusion: Hashable, Sendable, Encodable {
        package var truth: String?
        package var read: String?
        package var count: Int
    }

    /// The number of lines that can be accepted if the share `error` of them may be wrong.
    package struct Coverage: Hashable, Sendable, Encodable {
        package var error: Double
        package var accepted: Int
        package var wrong: Int
        /// The smallest probability that is accepted; nil if no line can be accepted.
        package var threshold: Double?
    }

    /// The `test` section.
    package struct Test: Hashable, Sendable, Encodable {
        package var lines: Int
        package var accuracy: Double
        package var accuracyInterval: ConfidenceInterval
        package var characters: Int
        package var characterErrorRate: Double
        package var substitutions: Int
        package var insertions: Int
        package var deletions: Int
        /// Nats per line.
        package var logLoss: Double
        package var meanProbability: Double
        package var byLength: [LineEvaluation.Length]
        /// The most frequent confusions.
        package var confusions: [Confusion]
        package var coverage: [Coverage]

        package init(_ evaluation: LineEvaluation) {
            lines = evaluation.count
            accuracy = evaluation.accuracy
            accuracyInterval = evaluation.accuracyInterval
            characters = evaluation.characters
            characterErrorRate = evaluation.characterErrorRate
            substitutions = evaluation.substitutions
            insertions = evaluation.insertions
            deletions = evaluation.deletions
            logLoss = evaluation.logLoss
            meanProbability = evaluation.meanProbability
            byLength = evaluation.lengths
            confusions = evaluation.confusions.prefix(LineMetricsRecord.mostConfusions).map { confusion in
                Confusion(
                    truth: confusion.truth.map { evaluation.classNames[$0] },
                    read: confusion.read.map { evaluation.classNames[$0] }, count: confusion.count)
            }
            coverage = LineMetricsRecord.errors.map { error in
                let point = evaluation.coverage(error: error)
                return Coverage(
                    error: error, accepted: point?.accepted ?? 0, wrong: point?.wrong ?? 0, threshold: point?.threshold)
            }
        }
    }

    /// The error rates among accepted lines for which ``Test/coverage`` is reported.
    package static let errors = [0.001, 0.005, 0.01, 0.02]
    private static let mostConfusions = 50

    package var kind = "lines"
    package var dataset: String
    package var dataSource: MetricsRecord.DataSource
    package var epochs: Int?
    package var bestEpoch: Int?
    package var trainingSeconds: Double?
    package var linesPerSecond: Double?
    package var threads: Int
    package var blas: String
    package var parameters: Int
    package var temperature: Double?
    package var notes: [String]?
    package var test: Test

    package init(
        dataset: String, dataSource: MetricsRecord.DataSource, history: TrainingHistory?, threads: Int, blas: String,
        parameters: Int, temperature: Double?, notes: [String], test: LineEvaluation
    ) {
        self.dataset = dataset
        self.dataSource = dataSource
        epochs = history?.epochs.count
        bestEpoch = history?.bestEpoch
        trainingSeconds = history?.seconds
        linesPerSecond = history?.imagesPerSecond
        self.threads = threads
        self.blas = blas
        self.parameters = parameters
        self.temperature = temperature
        self.notes = notes.isEmpty ? nil : notes
        self.test = Test(test)
    }
}

extension RunFolder {
    /// Writes `metrics.json`. Call it last, since the file marks the run as finished.
    package func write(metrics: LineMetricsRecord) throws(OperationError) {
        try write(try JSONText.encode(metrics, named: RunFile.metrics.rawValue), as: .metrics)
    }
}
