import Formats
import Tensors
import Testing

@testable import Evaluation

@Suite struct MetricTests {
    /// scikit-learn 1.9.1 of y = [0,0,0,1,1,2,2,2,2,3], p = [0,0,1,1,2,2,2,2,0,2] with labels 0…4: `balanced_accuracy_score`,
    /// `fbeta_score(average="macro", zero_division=0, labels=range(5))`.
    private func predictions() throws -> Predictions {
        let labels = [0, 0, 0, 1, 1, 2, 2, 2, 2, 3], predicted = [0, 0, 1, 1, 2, 2, 2, 2, 0, 2]
        let probabilities = predicted.flatMap { p in (0..<5).map { Float($0 == p ? 1 : 0) } }
        return try Predictions(labels: labels, probabilities: probabilities, classNames: ["a", "b", "c", "d", "e"])
    }

    @Test func asScikitLearn() throws {
        let summary = EvaluationSummary(
            try predictions(), metrics: [.balancedAccuracy, .fScore(beta: 2), .fScore(beta: 0.5), .fScore(beta: 1)])
        #expect(
            summary.metrics.map(\.name) == [
                "balancedAccuracy", "fScore {\"beta\": 2}", "fScore {\"beta\": 0.5}", "fScore {\"beta\": 1}",
            ])
        let expected = [0.47916666666666663, 0.3761904761904762, 0.3583333333333333, 0.3666666666666666]
        for (metric, value) in zip(summary.metrics, expected) {
            #expect(abs(metric.value - value) < 1e-12, "\(metric.name): \(metric.value)")
        }
        #expect(abs(summary.metrics[3].value - summary.report.f1.macro) < 1e-12)
    }

    private struct Nothing: MetricKind {
        static let type = "nothing"
        static var options: Section<Nothing> { Section(initial: Nothing(), fields: []) }
        func value(_ predictions: Predictions) -> Double { .nan }
    }

    @Test func oneOfOnesOwn() throws {
        let summary = EvaluationSummary(try predictions(), metrics: [Metric(Nothing())])
        #expect(summary.metrics.map(\.name) == ["nothing"])
        #expect(summary.metrics[0].value.isNaN)
    }
}
