import Tensors

/// True against false positive rate at every threshold of one binary decision, from (0, 0) to (1, 1), as
/// scikit-learn's `roc_curve` orders it, points on a straight line left out.
public struct ROCCurve: Hashable, Sendable {
    private let counts: ThresholdCounts
    /// Area under the curve by trapezoids, in [0, 1]: the chance that a positive scores above a negative, ties
    /// counting half. Nil where positives or negatives are missing (scikit-learn: NaN).
    public let area: Double?

    init(_ all: ThresholdCounts) {
        // A point goes where both second differences are zero: scikit-learn's `drop_intermediate=True`.
        let (hits, misses) = (all.truePositives, all.falsePositives)
        let counts = all.selecting(
            hits.indices.filter { i in
                i == 0 || i == hits.count - 1 || hits[i + 1] - hits[i] != hits[i] - hits[i - 1]
                    || misses[i + 1] - misses[i] != misses[i] - misses[i - 1]
            })
        self.counts = counts
        guard counts.positives > 0 && counts.negatives > 0 else {
            area = nil
            return
        }
        var twice = 0.0
        var before = (hits: 0.0, misses: 0.0)
        for i in counts.thresholds.indices {
            let point = (hits: Double(counts.truePositives[i]), misses: Double(counts.falsePositives[i]))
            // Integers below 2⁵³ until the division: exact for any test set of this world.
            twice += (point.misses - before.misses) * (point.hits + before.hits)
            before = point
        }
        area = twice / (2 * Double(counts.positives) * Double(counts.negatives))
    }

    /// Points of the curve, (0, 0) included.
    public var count: Int { counts.thresholds.count + 1 }
    /// Samples, or decisions, that are truly positive.
    public var positives: Int { counts.positives }
    /// Samples, or decisions, that are truly negative.
    public var negatives: Int { counts.negatives }

    /// Threshold and rates of point `i`. Point 0 is (0, 0) at threshold ∞. A rate is nil where its denominator,
    /// the number of negatives or positives, is zero.
    public subscript(i: Int) -> (threshold: Float, falsePositiveRate: Double?, truePositiveRate: Double?) {
        let hits = i == 0 ? 0 : Double(counts.truePositives[i - 1])
        let misses = i == 0 ? 0 : Double(counts.falsePositives[i - 1])
        return (
            i == 0 ? .infinity : counts.thresholds[i - 1], negatives == 0 ? nil : misses / Double(negatives),
            positives == 0 ? nil : hits / Double(positives)
        )
    }
}

/// The ROC curves of a classifier: each class against all others, all decisions as one, and the mean.
public struct ROCCurves: Hashable, Sendable {
    /// A point of the macro-averaged curve.
    public struct MacroPoint: Hashable, Sendable {
        /// In [0, 1].
        public var falsePositiveRate: Double
        /// In [0, 1].
        public var truePositiveRate: Double
    }

    /// `[K]`.
    public let perClass: [ROCCurve]
    /// All N·K decisions as one.
    public let micro: ROCCurve
    /// At every false positive rate where some class's curve has a point, the mean of the classes' true positive rates,
    /// each curve straight between its points; two points, lower one first, where a curve rises upright. The
    /// area below it is ``macroArea``. Empty where a class has no area.
    public let macro: [MacroPoint]

    /// Computes every curve; O(N·K·log(N·K)).
    public init(_ predictions: Predictions) {
        perClass = (0..<predictions.classCount).map { ROCCurve(ThresholdCounts(predictions, class: $0)) }
        micro = ROCCurve(ThresholdCounts(micro: predictions))
        macro = Self.mean(perClass)
    }

    private static func mean(_ curves: [ROCCurve]) -> [MacroPoint] {
        guard curves.allSatisfy({ $0.area != nil }) else { return [] }
        let lines = curves.map { curve in
            (0..<curve.count).map { (x: curve[$0].falsePositiveRate ?? 0, y: curve[$0].truePositiveRate ?? 0) }
        }
        let rates = Set(lines.flatMap { $0.map(\.x) }).sorted()
        /// In each curve the first point at or beyond the rate.
        var first = [Int](repeating: 0, count: lines.count)
        var points: [MacroPoint] = []
        for rate in rates {
            var low = 0.0, high = 0.0
            for (c, line) in lines.enumerated() {
                while line[first[c]].x < rate { first[c] += 1 }
                let right = line[first[c]]
                guard right.x == rate else {
                    let left = line[first[c] - 1]
                    let y = left.y + (right.y - left.y) * (rate - left.x) / (right.x - left.x)
                    low += y
                    high += y
                    continue
                }
                var last = first[c]
                while last + 1 < line.count && line[last + 1].x == rate { last += 1 }
                low += right.y
                high += line[last].y
            }
            let count = Double(curves.count)
            points.append(MacroPoint(falsePositiveRate: rate, truePositiveRate: low / count))
            if high > low { points.append(MacroPoint(falsePositiveRate: rate, truePositiveRate: high / count)) }
        }
        return points
    }

    /// Mean area over classes; nil where a class has none, as scikit-learn gives NaN.
    public var macroArea: Double? { mean { _ in 1 } }

    /// Mean area over classes by their samples; a class without samples takes no part. Nil where a class that
    /// has samples has no area.
    public var weightedArea: Double? { mean { Double($0.positives) } }

    private func mean(_ weight: (ROCCurve) -> Double) -> Double? {
        var sum = 0.0
        var total = 0.0
        for curve in perClass where weight(curve) > 0 {
            guard let area = curve.area else { return nil }
            sum += area * weight(curve)
            total += weight(curve)
        }
        return sum / total
    }
}
