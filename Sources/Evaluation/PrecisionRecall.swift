import Tensors

/// Precision against recall at every threshold of one binary decision, as scikit-learn's
/// `precision_recall_curve` orders it: thresholds ascending, recall descending, and a last point (recall 0,
/// precision 1) that has no threshold.
public struct PrecisionRecallCurve: Hashable, Sendable {
    private let counts: ThresholdCounts
    /// Average precision, `Σ (R_i − R_{i−1})·P_i` over descending thresholds: the area under the steps, in [0, 1];
    /// 0 where there are no positives.
    public let averagePrecision: Double

    init(_ counts: ThresholdCounts) {
        self.counts = counts
        var sum = 0.0
        var before = 0.0
        for i in counts.thresholds.indices {
            let recall = Self.recall(counts, i)
            sum += (recall - before) * Self.precision(counts, i)
            before = recall
        }
        averagePrecision = counts.positives == 0 ? 0 : sum
    }

    private init(_ counts: ThresholdCounts, averagePrecision: Double) {
        self.counts = counts
        self.averagePrecision = averagePrecision
    }

    private static func precision(_ counts: ThresholdCounts, _ i: Int) -> Double {
        Double(counts.truePositives[i]) / (Double(counts.truePositives[i]) + Double(counts.falsePositives[i]))
    }

    /// Without positives recall is 1 by convention (scikit-learn's).
    private static func recall(_ counts: ThresholdCounts, _ i: Int) -> Double {
        counts.positives == 0 ? 1 : Double(counts.truePositives[i]) / Double(counts.positives)
    }

    /// Points of the curve, the last one included.
    public var count: Int { counts.thresholds.count + 1 }
    /// Samples, or decisions, that are truly positive.
    public var positives: Int { counts.positives }

    /// Threshold, precision and recall of point `i`; the threshold of the last point is nil.
    public subscript(i: Int) -> (threshold: Float?, precision: Double, recall: Double) {
        let j = counts.thresholds.count - 1 - i
        guard j >= 0 else { return (nil, 1, 0) }
        return (counts.thresholds[j], Self.precision(counts, j), Self.recall(counts, j))
    }

    /// `[count − 1]`, ascending.
    public var thresholds: [Float] { counts.thresholds.reversed() }
    /// `[count]`.
    public var precision: [Double] { (0..<count).map { self[$0].precision } }
    /// `[count]`, descending.
    public var recall: [Double] { (0..<count).map { self[$0].recall } }

    /// The same curve without the points inside a run of equal recall, which lie on a vertical line
    /// (scikit-learn's `drop_intermediate=True`).
    public var withoutIntermediatePoints: PrecisionRecallCurve {
        let hits = counts.truePositives
        let kept = hits.indices.filter {
            $0 == 0 || $0 == hits.count - 1 || hits[$0] != hits[$0 - 1] || hits[$0] != hits[$0 + 1]
        }
        return PrecisionRecallCurve(counts.selecting(kept), averagePrecision: averagePrecision)
    }
}

/// The precision–recall curves of a classifier: each class against all others, and all decisions as one.
public struct PrecisionRecallCurves: Hashable, Sendable {
    /// `[K]`.
    public let perClass: [PrecisionRecallCurve]
    public let micro: PrecisionRecallCurve
    /// Average precision, averaged; an absent class counts as 0 in the macro mean (scikit-learn's rule).
    public let averagePrecision: Averages

    public init(_ predictions: Predictions) {
        perClass = (0..<predictions.classCount).map {
            PrecisionRecallCurve(ThresholdCounts(predictions, class: $0))
        }
        micro = PrecisionRecallCurve(ThresholdCounts(micro: predictions))
        averagePrecision = Averages(
            perClass.map(\.averagePrecision), support: perClass.map(\.positives), micro: micro.averagePrecision)
    }
}
