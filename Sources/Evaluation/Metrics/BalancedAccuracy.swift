import Formats

extension Metric {
    /// The mean recall of the classes that have samples, in [0, 1]: the accuracy if all classes were of equal size.
    public static var balancedAccuracy: Metric { Metric(BalancedAccuracy()) }
}

/// ``Metric/balancedAccuracy``, equal to scikit-learn's `balanced_accuracy_score`.
package struct BalancedAccuracy: MetricKind {
    package static let type = "balancedAccuracy"
    package static var options: Section<BalancedAccuracy> { Section(initial: BalancedAccuracy(), fields: []) }

    package func value(_ predictions: Predictions) -> Double {
        let scores = ClassificationReport(ConfusionMatrix(predictions)).perClass.filter { $0.support > 0 }
        return scores.reduce(0) { $0 + $1.recall } / Double(scores.count)
    }
}
