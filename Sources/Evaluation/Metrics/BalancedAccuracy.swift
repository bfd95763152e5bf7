import Formats

extension Metric {
    /// The mean of the recalls of the classes that have samples, in [0, 1]: what accuracy would be were they of one size.
    public static var balancedAccuracy: Metric { Metric(BalancedAccuracy()) }
}

/// ``Metric/balancedAccuracy``, as scikit-learn's `balanced_accuracy_score`.
package struct BalancedAccuracy: MetricKind {
    package static let type = "balancedAccuracy"
    package static var options: Section<BalancedAccuracy> { Section(initial: BalancedAccuracy(), fields: []) }

    package func value(_ predictions: Predictions) -> Double {
        let scores = ClassificationReport(ConfusionMatrix(predictions)).perClass.filter { $0.support > 0 }
        return scores.reduce(0) { $0 + $1.recall } / Double(scores.count)
    }
}
