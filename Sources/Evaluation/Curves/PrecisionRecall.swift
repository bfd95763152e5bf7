import Tensors

/// The precision–recall curve of one binary decision over all thresholds.
///
/// Points are ordered as in scikit-learn's `precision_recall_curve`: thresholds ascending, recall descending, and a
/// last point (recall 0, precision 1) without a threshold.
public struct PrecisionRecallCurve: Hashable, Sendable {
    private let counts: ThresholdCounts
    /// The average precision, `Σ (R_i − R_{i−1})·P_i` over descending thresholds: the area under the step curve,
    /// in [0, 1]; 0 if there are no positives.
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

    /// Returns the recall at point `i`; 1 without positives, by scikit-learn's convention.
    private static func recall(_ counts: ThresholdCounts, _ i: Int) -> Double {
        counts.positives == 0 ? 1 : Double(counts.truePositives[i]) / Double(counts.positives)
    }

    /// The number of points of the curve, including the last one.
    public var count: Int { counts.thresholds.count + 1 }
    /// The number of positive samples or decisions.
    public var positives: Int { counts.positives }

    /// The threshold, precision and recall of point `i`; the threshold of the last point is nil.
    public subscript(i: Int) -> (threshold: Float?, precision: Double, recall: Double) {
        let j = counts.thresholds.count - 1 - i
        guard j >= 0 else { return (nil, 1, 0) }
        return (counts.thresholds[j], Self.precision(counts, j), Self.recall(counts, j))
    }

    /// The steps of the curve in ascending recall: each precision holds from the previous recall up to the step's own.
    /// Empty without positives.
    var steps: [(recall: Double, precision: Double)] {
        counts.thresholds.indices.filter {
            counts.truePositives[$0] > ($0 == 0 ? 0 : counts.truePositives[$0 - 1])
        }.map { (Self.recall(counts, $0), Self.precision(counts, $0)) }
    }

    /// The thresholds, `[count − 1]`, ascending.
    public var thresholds: [Float] { counts.thresholds.reversed() }
    /// The precision at each point, `[count]`.
    public var precision: [Double] { (0..<count).map { self[$0].precision } }
    /// The recall at each point, `[count]`, descending.
    public var recall: [Double] { (0..<count).map { self[$0].recall } }

    /// The curve without the interior points of runs of equal recall, which lie on a vertical line
    /// (scikit-learn's `drop_intermediate=True`).
    public var withoutIntermediatePoints: PrecisionRecallCurve {
        let hits = counts.truePositives
        let kept = hits.indices.filter {
            $0 == 0 || $0 == hits.count - 1 || hits[$0] != hits[$0 - 1] || hits[$0] != hits[$0 + 1]
        }
        return PrecisionRecallCurve(counts.selecting(kept), averagePrecision: averagePrecision)
    }
}

/// The precision–recall curves of a classifier: one-versus-rest per class, micro-averaged and macro-averaged.
public struct PrecisionRecallCurves: Hashable, Sendable {
    /// A point of the macro-averaged curve.
    public struct MacroPoint: Hashable, Sendable {
        /// The recall, in [0, 1].
        public var recall: Double
        /// The mean precision, in [0, 1].
        public var precision: Double
    }

    /// The one-versus-rest curve of each class, `[K]`.
    public let perClass: [PrecisionRecallCurve]
    /// The curve of all N·K decisions pooled.
    public let micro: PrecisionRecallCurve
    /// The mean over classes of the precision at every recall that some class reaches, in descending recall.
    ///
    /// The last point is (recall 0, precision 1). The area under the steps is the macro-averaged average precision: a
    /// class without samples counts as 0 here too.
    public let macro: [MacroPoint]
    /// The averages of average precision; a class without samples counts as 0 in the macro mean, as in scikit-learn.
    public let averagePrecision: Averages

    /// Computes all curves; O(N·K·log(N·K)).
    public init(_ predictions: Predictions) {
        self.init(
            perClass: (0..<predictions.classCount).map { ThresholdCounts(predictions, class: $0) },
            micro: ThresholdCounts(micro: predictions))
    }

    init(perClass counts: [ThresholdCounts], micro pooled: ThresholdCounts) {
        perClass = counts.map { PrecisionRecallCurve($0) }
        micro = PrecisionRecallCurve(pooled)
        macro = Self.mean(perClass)
        averagePrecision = Averages(
            perClass.map(\.averagePrecision), support: perClass.map(\.positives), micro: micro.averagePrecision)
    }

    private static func mean(_ curves: [PrecisionRecallCurve]) -> [MacroPoint] {
        let steps = curves.map(\.steps)
        let recalls = Set(steps.flatMap { $0.map(\.recall) }).sorted()
        var next = [Int](repeating: 0, count: steps.count)
        var points = recalls.map { recall in
            var sum = 0.0
            for c in steps.indices {
                while next[c] < steps[c].count && steps[c][next[c]].recall < recall { next[c] += 1 }
                if next[c] < steps[c].count { sum += steps[c][next[c]].precision }
            }
            return MacroPoint(recall: recall, precision: sum / Double(curves.count))
        }
        points.reverse()
        return points + [MacroPoint(recall: 0, precision: 1)]
    }
}
