import Foundation

/// McNemar's test of two classifiers on the same samples: is one right where the other is wrong more often than the
/// other way round, beyond chance? Samples that both get right, or both wrong, say nothing about it.
///
/// McNemar, "Note on the sampling error of the difference between correlated proportions or percentages", Psychometrika
/// 12, 1947; for classifiers Dietterich, "Approximate statistical tests for comparing supervised classification learning
/// algorithms", Neural Computation 10, 1998.
package struct McNemar: Hashable, Sendable {
    /// How the p-value was found.
    package enum Method: String, Hashable, Sendable, Codable {
        /// `min(1, 2·P(X ≤ min(b, c)))`, X binomial of b + c trials at 1/2.
        case exact
        /// `χ² = (|b − c| − 1)²/(b + c)` of one degree of freedom: Edwards's continuity correction.
        case chiSquare
    }

    /// b: samples that only the first classifier gets right, and c: only the second.
    package let onlyFirst: Int
    package let onlySecond: Int
    /// N.
    package let count: Int
    package let method: Method
    /// χ², or the smaller of b and c for the exact test.
    package let statistic: Double
    /// The chance of a difference at least as large if both erred alike; two-sided, in [0, 1].
    package let pValue: Double
    /// Accuracy of the second less that of the first, `(c − b)/N`.
    package let difference: Double
    /// Of that difference, 95 % (Agresti and Min): with a half added to each cell, `d ± z·√((b + c − (c − b)²/N)/N²)`.
    /// Agresti, Min, "Simple improved confidence intervals for comparing matched proportions", Statistics in Medicine
    /// 24, 2005.
    package let interval: ConfidenceInterval

    /// Up to so many discordant samples the test is exact; from there on the two agree to three digits.
    package static let exactLimit = 1000

    /// - Precondition: b, c ≥ 0, N ≥ 1 and b + c ≤ N.
    package init(onlyFirst b: Int, onlySecond c: Int, count: Int) {
        precondition(
            b >= 0 && c >= 0 && count >= 1 && b + c <= count,
            "McNemar: expected b + c ≤ N ≥ 1, received \(b), \(c) of \(count)")
        onlyFirst = b
        onlySecond = c
        self.count = count
        let discordant = b + c
        if discordant <= Self.exactLimit {
            method = .exact
            statistic = Double(min(b, c))
            pValue = discordant == 0 ? 1 : min(1, 2 * Self.binomialTail(min(b, c), of: discordant))
        } else {
            method = .chiSquare
            let gap = max(abs(Double(b - c)) - 1, 0)
            statistic = gap * gap / Double(discordant)
            pValue = erfc((statistic / 2).squareRoot())
        }
        let n = Double(count)
        difference = Double(c - b) / n
        let (total, b1, c1) = (n + 2, Double(b) + 0.5, Double(c) + 0.5)
        let centre = (c1 - b1) / total
        let z = ConfidenceInterval.normalQuantile(0.975)
        let reach = z * ((b1 + c1 - (c1 - b1) * (c1 - b1) / total).squareRoot() / total)
        interval = ConfidenceInterval(lower: max(-1, centre - reach), upper: min(1, centre + reach), level: 0.95)
    }

    /// Compares two classifiers' predictions.
    /// - Precondition: the same labels.
    package init(_ first: Predictions, _ second: Predictions) {
        precondition(first.labels == second.labels, "McNemar: expected the same samples")
        var (b, c) = (0, 0)
        for (i, label) in first.labels.enumerated() {
            let (one, other) = (first.predictedLabels[i] == label, second.predictedLabels[i] == label)
            if one && !other { b += 1 }
            if other && !one { c += 1 }
        }
        self.init(onlyFirst: b, onlySecond: c, count: first.count)
    }

    /// P(X ≤ k) for X binomial of n trials at 1/2, 0 ≤ k ≤ n/2; from the largest term down, each the next one's
    /// `i/(n − i + 1)`.
    private static func binomialTail(_ k: Int, of n: Int) -> Double {
        let x = Double(k), m = Double(n)
        let logs: [Double] = [lgamma(m + 1), -lgamma(x + 1), -lgamma(m - x + 1), -m * Double(log(2.0))]
        var term: Double = exp(logs.reduce(0, +))
        var sum = term
        for i in stride(from: k, to: 0, by: -1) {
            term *= Double(i) / Double(n - i + 1)
            sum += term
        }
        return sum
    }

    /// Holm's step-down correction: p-values of several tests such that the chance of any false alarm keeps to the level.
    ///
    /// The i-th smallest of m becomes the largest of `min(1, (m − j + 1)·pⱼ)` for j ≤ i. Holm, "A simple sequentially
    /// rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979.
    package static func holm(_ pValues: [Double]) -> [Double] {
        let order = pValues.indices.sorted { (pValues[$0], $0) < (pValues[$1], $1) }
        var adjusted = pValues
        var largest = 0.0
        for (rank, index) in order.enumerated() {
            largest = max(largest, min(1, Double(pValues.count - rank) * pValues[index]))
            adjusted[index] = largest
        }
        return adjusted
    }
}
