import Tensors
import Workers

/// 95 % bootstrap confidence intervals of figures that are not proportions.
///
/// Each of B resamples draws, with replacement, as many samples of each class as the test set has (a stratified
/// bootstrap): averages over classes need every class, and unstratified draws can miss small ones. Every figure is
/// computed on a resample as on the full set. The interval is the bias-corrected percentile interval: with
/// z₀ = Φ⁻¹(fraction of resamples below the figure, ties counting half), the quantiles Φ(2z₀ ± 1.96) of the resampled
/// figures, linearly interpolated. Resampling itself biases figures such as the calibration error with added noise; the
/// correction removes this bias. Efron, "Nonparametric standard errors and confidence intervals", Canadian Journal of
/// Statistics 9, 1981.
///
/// Resample r draws from the random stream at (seed, bootstrap, r), class by class, so results are bit-identical for
/// every thread count. An interval of zero width means that no resample differed, not that the figure is certain.
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

        /// The figure's index within the figures of a resample.
        var index: Int { Self.allCases.firstIndex(of: self) ?? 0 }
    }

    /// The number of resamples, B.
    public let resamples: Int
    /// The seed of the resamples.
    public let seed: UInt64
    /// The intervals by figure. A figure undefined on the full set or on at least half of the resamples is absent.
    public let intervals: [Figure: ConfidenceInterval]

    /// The interval of `figure`, or nil if there is none.
    public subscript(figure: Figure) -> ConfidenceInterval? { intervals[figure] }

    /// Draws the resamples and computes the intervals; O(B·N·K) at worst, far less for a good classifier.
    ///
    /// - Parameters:
    ///   - resamples: The number of resamples, B ≥ 1.
    ///   - level: The confidence level, in (0, 1).
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

    /// Returns the bias-corrected percentile interval.
    /// - Parameter values: The resampled figures, ascending, not empty.
    static func interval(_ values: [Double], around figure: Double, level: Double) -> ConfidenceInterval {
        let count = Double(values.count)
        // Values that differ only by rounding count as equal.
        let rounding = 1e-12 * max(1, abs(figure))
        let below =
            Double(values.count { $0 < figure - rounding })
            + 0.5 * Double(values.count { abs($0 - figure) <= rounding })
        // Fractions of 0 and 1 have infinite normal scores: clamp to half a resample.
        let share = min(max(below / count, 0.5 / count), 1 - 0.5 / count)
        let bias = ConfidenceInterval.normalScore(share)
        let reach = ConfidenceInterval.normalScore((1 + level) / 2)
        func quantile(_ z: Double) -> Double { Quantile.of(values, ConfidenceInterval.normalShare(below: z)) }
        return ConfidenceInterval(lower: quantile(2 * bias - reach), upper: quantile(2 * bias + reach), level: level)
    }
}
