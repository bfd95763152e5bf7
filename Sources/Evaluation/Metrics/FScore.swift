import Formats

extension Metric {
    /// The macro-averaged F_β score, which weights recall β times as much as precision; β = `beta` in (0, 100].
    public static func fScore(beta: Double) -> Metric { Metric(FScore(beta: beta)) }
}

/// ``Metric/fScore(beta:)``: `(1 + β²)·TP / ((1 + β²)·TP + β²·FN + FP)`, 0 if a class is neither true nor predicted.
///
/// Equals scikit-learn's `fbeta_score` with `average="macro", zero_division=0`. C. J. van Rijsbergen 1979, "Information
/// retrieval".
package struct FScore: MetricKind {
    package var beta = 1.0

    package static let type = "fScore"
    package static var options: Section<FScore> {
        Section(
            initial: FScore(),
            fields: [
                .key(
                    "beta", \.beta, .number(.above(0, 100)), isRequired: true,
                    "How much more recall counts than precision.")
            ])
    }

    package func value(_ predictions: Predictions) -> Double {
        let matrix = ConfusionMatrix(predictions), weight = beta * beta
        let scores = matrix.counts.indices.map { c in
            let hits = Double(matrix.counts[c][c])
            let missed = Double(matrix.support[c]) - hits, wrong = Double(matrix.predictedCounts[c]) - hits
            let whole = (1 + weight) * hits + weight * missed + wrong
            return whole == 0 ? 0 : (1 + weight) * hits / whole
        }
        return scores.reduce(0, +) / Double(scores.count)
    }
}
