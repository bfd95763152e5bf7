import Evaluation
import Foundation
import Testing

/// A case of `Tests/Oracles/make_metrics.py`: samples, and what scikit-learn makes of them.
struct MetricsFixture: Decodable {
    struct Averages: Decodable {
        var macro: Double?
        var micro: Double?
        var weighted: Double?
    }
    struct PerClass: Decodable {
        var precision, recall, f1, averagePrecision: [Double]
        var support: [Int]
        var area: [Double?]
    }
    struct Curve: Decodable {
        var averagePrecision: Double
        var precision, recall, thresholds, droppedThresholds: [Double]
        var falsePositiveRate, truePositiveRate, rocThresholds: [Double?]
    }
    struct Expected: Decodable {
        var accuracy, logLoss, brier, matthews, calibrationError: Double
        var kappa: Double?
        var accuracyInterval: [Double]
        var confusionMatrix: [[Int]]
        var perClass: PerClass
        var precision, recall, f1, averagePrecision, rocArea: Averages
        var topK: [String: Double]
        var report: String
        var curves: [Curve]
        var micro: Curve?
        var classIntervals: ClassIntervals
        var bootstrap: Bootstrap
        /// Recall and precision; false and true positive rate.
        var macroPrecisionRecall: [[Double]]
        var macroROC: [[Double]]
    }
    struct ClassIntervals: Decodable {
        var precision, recall, f1: [[Double]?]
    }
    struct Bootstrap: Decodable {
        var seed: UInt64
        var resamples: Int
        var intervals: [String: [Double]]
    }
    var classNames: [String]
    var labels: [Int]
    var probabilities: [Double]
    var expected: Expected

    static let names = [
        "normal", "absent-class", "one-class", "all-wrong", "ties", "one-sample", "many-classes", "binary", "perfect",
        "equal-scores",
    ]

    static func load(_ name: String) throws -> MetricsFixture {
        let url = try #require(
            Bundle.module.url(forResource: name, withExtension: "json", subdirectory: "Fixtures"))
        return try JSONDecoder().decode(MetricsFixture.self, from: Data(contentsOf: url))
    }

    func summary() throws -> EvaluationSummary {
        EvaluationSummary(
            try Predictions(labels: labels, probabilities: probabilities.map(Float.init), classNames: classNames))
    }
}

/// Equal to 12 significant digits (sums are added in another order than NumPy's), or both undefined.
func agrees(_ a: Double?, _ b: Double?) -> Bool {
    switch (a, b) {
    case (nil, nil): true
    case (let a?, let b?): abs(a - b) <= 1e-12 * max(1e-3, abs(a), abs(b))
    default: false
    }
}

func agrees(_ a: [Double?], _ b: [Double?]) -> Bool { a.count == b.count && zip(a, b).allSatisfy { agrees($0, $1) } }

func agrees(_ a: Averages, _ b: MetricsFixture.Averages) -> Bool {
    agrees([a.macro, a.micro, a.weighted], [b.macro, b.micro, b.weighted])
}
