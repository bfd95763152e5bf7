import Foundation

/// A score of how credible a sample's given label is; low if it looks wrong.
package enum LabelQuality: String, CaseIterable, Sendable {
    /// `p[label]`, in [0, 1].
    case selfConfidence
    /// `(p[label] − max over the others + 1) / 2`, in [0, 1]: 0 if another class is certain.
    case normalizedMargin
    /// `ln(h + 1)/h` with `h = H(p) / (ln K · p[label])`, in (0, 1]: low if the label's probability is small relative
    /// to the uncertainty of the prediction. p[label] and the divisor h are held above 10⁻⁶.
    case confidenceWeightedEntropy

    /// Returns the scores, `[N]`. J. Kuan, J. Mueller, "Model-agnostic label quality scoring to detect real-world label
    /// errors", ICML DataPerf 2022.
    package func scores(_ data: LabelledProbabilities) -> [Double] {
        (0..<data.count).map { i in
            let own = data.probability(i, data.labels[i])
            switch self {
            case .selfConfidence: return own
            case .normalizedMargin:
                let others = (0..<data.classCount).filter { $0 != data.labels[i] }.map { data.probability(i, $0) }
                return (own - (others.max() ?? 0) + 1) / 2
            case .confidenceWeightedEntropy:
                var entropy = 0.0
                for k in 0..<data.classCount where data.probability(i, k) > 0 {
                    entropy -= data.probability(i, k) * log(data.probability(i, k))
                }
                let weighted = entropy / log(Double(data.classCount)) / max(own, 1e-6)
                return log(weighted + 1) / max(weighted, 1e-6)
            }
        }
    }
}
