import Tensors
import Workers

/// 95 % intervals of figures that are no proportions, from test sets drawn anew out of the test set.
///
/// Each of B resamples draws, with replacement, as many samples of each class as there are: averages over classes need
/// every class, and simple draws lose small ones. Every figure is computed on it as on the whole. The interval is the bias-corrected percentile one: with z₀ = Φ⁻¹(share of resamples below the figure, ties half),
/// quantiles Φ(2z₀ ± 1.96) of the resampled figures, interpolated linearly. Resampling adds noise of its own to figures like
/// the calibration error, which the correction takes out again. Efron, "Nonparametric standard errors and confidence
/// intervals", Canadian Journal of Statistics 9, 1981.
///
/// Resample r takes its numbers from the stream at (seed, bootstrap, r), class after class: the same bits for every
/// thread count. An interval of no width says that no resample differed, not that the figure is certain.
public struct BootstrapIntervals: Hashable, Sendable {
    /// A figure with an interval, named as in `metrics.json`.
    public enum Figure: String, CaseIterable, Sendable {
        /// Macro-averaged precision.
        case precision = "precision.macro"
        /// Macro-averaged recall.
        case recall = "recall.macro"
        /// Macro-averaged F1.
        case f1 = "f1.macro"
        /// Macro-averaged average precision.
        case averagePrecision = "averagePrecision.macro"
        /// Macro-averaged area under the ROC curve.
        case rocAuc = "rocAuc.macro"
        /// Log loss, Brier score, expected calibration error, Cohen's κ and Matthews' correlation.
        case logLoss, brier, calibrationError, kappa, matthews

        /// Its place among the figures of a resample.
        var index: Int { Self.allCases.firstIndex(of: self) ?? 0 }
    }

    /// B.
    public let resamples: Int
    /// Of the resamples.
    public let seed: UInt64
    /// Absent where the figure is undefined, on the whole set or on half of the resamples.
    public let intervals: [Figure: ConfidenceInterval]

    /// The interval of `figure`, where there is one.
    public subscript(figure: Figure) -> ConfidenceInterval? { intervals[figure] }

    /// Draws and computes; O(B·N·K) at worst, far less for a good classifier.
    ///
    /// - Parameters:
    ///   - resamples: B ≥ 1.
    ///   - level: in (0, 1).
    package init(
        _ predictions: Predictions, resamples: Int = 2000, level: Double = 0.95, seed: UInt64, pool: WorkerPool
    ) {
        precondition(resamples >= 1 && resamples < Int(UInt32.max), "bootstrap: at least one resample")
        precondition(level > 0 && level < 1, "bootstrap: expected a level in (0, 1), received \(level)")
        self.resamples = resamples
        self.seed = seed
        let work = ResampledFigures(predictions, resamples: resamples, seed: seed, workers: pool.threads, pool: pool)
        pool.run(work, tasks: resamples + 1)
        let count = Figure.allCases.count
        var intervals: [Figure: ConfidenceInterval] = [:]
        for figure in Figure.allCases {
            // Task 0 is the set itself.
            let values = (0...resamples).map { work.figures[$0 * count + figure.index] }
            let defined = values.dropFirst().filter { !$0.isNaN }.sorted()
            guard !values[0].isNaN, 2 * defined.count > resamples else { continue }
            intervals[figure] = Self.interval(defined, around: values[0], level: level)
        }
        self.intervals = intervals
    }

    /// - Parameter values: ascending, not empty.
    static func interval(_ values: [Double], around figure: Double, level: Double) -> ConfidenceInterval {
        let count = Double(values.count)
        // What differs by rounding alone is the same.
        let rounding = 1e-12 * max(1, abs(figure))
        let below =
            Double(values.count { $0 < figure - rounding })
            + 0.5 * Double(values.count { abs($0 - figure) <= rounding })
        // A share of nothing or all stands for less than half a resample.
        let share = min(max(below / count, 0.5 / count), 1 - 0.5 / count)
        let bias = ConfidenceInterval.normalScore(share)
        let reach = ConfidenceInterval.normalScore((1 + level) / 2)
        func quantile(_ z: Double) -> Double { Quantile.of(values, ConfidenceInterval.normalShare(below: z)) }
        return ConfidenceInterval(lower: quantile(2 * bias - reach), upper: quantile(2 * bias + reach), level: level)
    }
}
