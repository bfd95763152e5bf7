import Foundation
import Tensors

extension Predictions {
    /// The mean cross-entropy, `−(1/N)·Σ ln p(true class)`, in nats, ≥ 0.
    ///
    /// Probabilities are clipped to [ε, 1 − ε] with ε = 2⁻⁵² and rows are not renormalised, as in scikit-learn's
    /// `log_loss` on float64 copies of the probabilities.
    public var logLoss: Double {
        let floor = Double.ulpOfOne
        var sum = 0.0
        for (i, label) in labels.enumerated() {
            sum -= log(min(max(Double(probability(i, label)), floor), 1 - floor))
        }
        return sum / Double(count)
    }

    /// The Brier score, `(1/N)·Σᵢ Σⱼ (pᵢⱼ − yᵢⱼ)²` over samples i and classes j, in [0, 2].
    ///
    /// Equals scikit-learn's `brier_score_loss` with `scale_by_half=False`. Brier, "Verification of forecasts expressed
    /// in terms of probability", 1950.
    public var brierScore: Double {
        var sum = 0.0
        for (i, label) in labels.enumerated() {
            for j in 0..<classCount {
                let difference = Double(probability(i, j)) - (j == label ? 1 : 0)
                sum += difference * difference
            }
        }
        return sum / Double(count)
    }

    /// Returns the fraction of samples whose true class is among the `k` most probable, 1 ≤ k ≤ K.
    ///
    /// Among equal probabilities the higher class index ranks first, as in scikit-learn's `top_k_accuracy_score`.
    public func topKAccuracy(_ k: Int) -> Double {
        precondition(k >= 1 && k <= classCount, "topKAccuracy: expected k in 1...\(classCount), received \(k)")
        var hits = 0
        for (i, label) in labels.enumerated() {
            let own = probability(i, label)
            var rank = 0
            for j in 0..<classCount {
                let other = probability(i, j)
                if other > own || (other == own && j > label) { rank += 1 }
            }
            if rank < k { hits += 1 }
        }
        return Double(hits) / Double(count)
    }
}
