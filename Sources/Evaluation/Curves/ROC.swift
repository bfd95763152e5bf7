import Tensors

/// The ROC curve of one binary decision: true versus false positive rate at every threshold, from (0, 0) to (1, 1).
///
/// Points are ordered as in scikit-learn's `roc_curve`; collinear points are dropped.
public struct ROCCurve: Hashable, Sendable {
    private let counts: ThresholdCounts
    /// The area under the curve by the trapezoidal rule, in [0, 1]: the probability that a positive scores above a
    /// negative, ties counting half. Nil without positives or without negatives (scikit-learn returns NaN).
    public let area: Double?

    init(_ all: ThresholdCounts) {
        // Drops points where both second differences are zero, like scikit-learn's `drop_intermediate=True`.
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
            // Integers below 2⁵³ until the division, hence exact for any realistic test set.
            twice += (point.misses - before.misses) * (point.hits + before.hits)
            before = point
        }
        area = twice / (2 * Double(counts.positives) * Double(counts.negatives))
    }

    /// The number of points of the curve, including (0, 0).
    public var count: Int { counts.thresholds.count + 1 }
    /// The number of positive samples or decisions.
    public var positives: Int { counts.positives }
    /// The number of negative samples or decisions.
    public var negatives: Int { counts.negatives }

    /// The threshold and rates of point `i`. Point 0 is (0, 0) at threshold ∞. A rate is nil if its denominator, the
    /// number of negatives or positives, is zero.
    public subscript(i: Int) -> (threshold: Float, falsePositiveRate: Double?, truePositiveRate: Double?) {
        let hits = i == 0 ? 0 : Double(counts.truePositives[i - 1])
        let misses = i == 0 ? 0 : Double(counts.falsePositives[i - 1])
        return (
            i == 0 ? .infinity : counts.thresholds[i - 1], negatives == 0 ? nil : misses / Double(negatives),
            positives == 0 ? nil : hits / Double(positives)
        )
    }
}

/// The ROC curves of a classifier: one-versus-rest per class, micro-averaged and macro-averaged.
public struct ROCCurves: Hashable, Sendable {
    /// A point of the macro-averaged curve.
    public struct MacroPoint: Hashable, Sendable {
        /// The false positive rate, in [0, 1].
        public var falsePositiveRate: Double
        /// The mean true positive rate, in [0, 1].
        public var truePositiveRate: Double
    }

    /// The one-versus-rest curve of each class, `[K]`.
    public let perClass: [ROCCurve]
    /// The curve of all N·K decisions pooled.
    public let micro: ROCCurve
    /// The mean of the classes' true positive rates at every false positive rate where some class's curve has a point.
    ///
    /// Curves are linear between their points. Where a curve rises vertically there are two points, the lower one
    /// first. The area under this curve is ``macroArea``. Empty if a class has no area.
    public let macro: [MacroPoint]

    /// Computes all curves; O(N·K·log(N·K)).
    public init(_ predictions: Predictions) {
        self.init(
            perClass: (0..<predictions.classCount).map { ThresholdCounts(predictions, class: $0) },
            micro: ThresholdCounts(micro: predictions))
    }

    init(perClass counts: [ThresholdCounts], micro pooled: ThresholdCounts) {
        perClass = counts.map { ROCCurve($0) }
        micro = ROCCurve(pooled)
        macro = Self.mean(perClass)
    }

    private static func mean(_ curves: [ROCCurve]) -> [MacroPoint] {
        guard curves.allSatisfy({ $0.area != nil }) else { return [] }
        let lines = curves.map { curve in
            (0..<curve.count).map { (x: curve[$0].falsePositiveRate ?? 0, y: curve[$0].truePositiveRate ?? 0) }
        }
        let rates = Set(lines.flatMap { $0.map(\.x) }).sorted()
        /// The index of each curve's first point at or beyond the rate.
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

    /// The unweighted mean area over classes; nil if a class has no area (scikit-learn returns NaN).
    public var macroArea: Double? { mean { _ in 1 } }

    /// The mean area over classes, weighted by their numbers of samples; classes without samples are ignored. Nil if a
    /// class with samples has no area.
    public var weightedArea: Double? { mean { Double($0.positives) } }

    private func mean(_ weight: (ROCCurve) -> Double) -> Double? {
        var sum = 0.0
        var total = 0.0
        for curve in perClass where weight(curve) > 0 {
            guard let area = curve.area else { return nil }
            sum += area * weight(curve)
            total += weight(curve)
        }
        return total > 0 ? sum / total : nil
    }
}
