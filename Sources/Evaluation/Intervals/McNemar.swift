import Foundation

/// McNemar's test of whether two classifiers evaluated on the same samples differ in accuracy beyond chance.
///
/// Only discordant samples count: those that exactly one of the two classifies correctly.
///
/// McNemar, "Note on the sampling error of the difference between correlated proportions or percentages", Psychometrika
/// 12, 1947; for classifiers Dietterich, "Approximate statistical tests for comparing supervised classification
/// learning algorithms", Neural Computation 10, 1998.
package struct McNemar: Hashable, Sendable {
    /// The method by which the p-value was computed.
    package enum Method: String, Hashable, Sendable, Codable {
        /// `min(1, 2·P(X ≤ min(b, c)))`, with X binomial of b + c trials at probability 1/2.
        case exact
        /// `χ² = (|b − c| − 1)²/(b + c)` with one degree of freedom, including Edwards's continuity correction.
        case chiSquare
    }

    /// The number of samples that only the first classifier gets right, b.
    package let onlyFirst: Int
    /// The number of samples that only the second classifier gets right, c.
    package let onlySecond: Int
    /// The number of samples, N.
    package let count: Int
    package let method: Method
    /// The test statistic: χ², or the smaller of b and c for the exact test.
    package let statistic: Double
    /// The two-sided p-value, in [0, 1]: the probability of a difference at least as large if both classifiers had the
    /// same error rate.
    package let pValue: Double
    /// The accuracy of the second classifier minus that of the first, `(c − b)/N`.
    package let difference: Double
    /// The 95 % confidence interval of ``difference``: with 1/2 added to each cell, `d ± z·√((b + c − (c − b)²/N)/N²)`.
    /// Agresti, Min, "Simple improved confidence intervals for comparing matched proportions", Statistics in Medicine
    /// 24, 2005.
    package let interval: ConfidenceInterval

    /// The largest number of discordant samples for which the exact test is used; beyond it the two methods agree to
    /// three digits.
    package static let exactLimit = 1000

    /// Tests from the discordant counts.
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

    /// Compares the predictions of two classifiers.
    /// - Precondition: both have the same labels.
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

    /// Returns P(X ≤ k) for X binomial of n trials at probability 1/2, 0 ≤ k ≤ n/2. Terms are summed from the largest
    /// down; term i − 1 is term i times `i/(n − i + 1)`.
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

    /// Returns the p-values adjusted by Holm's step-down correction, which controls the family-wise error rate.
    ///
    /// The i-th smallest of m becomes the maximum of `min(1, (m − j + 1)·pⱼ)` over j ≤ i. Holm, "A simple sequentially
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
