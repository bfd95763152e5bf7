import Foundation
import Tensors

/// Exact binomial bounds on an error rate.
package enum BinomialBound {
    /// Returns the one-sided upper confidence bound on the error rate, given `errors` errors in `count` samples.
    ///
    /// The bound is the p with `P(X ≤ errors | count, p) = 1 − level`, and 1 if every sample is an error or there are
    /// none: Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
    /// Biometrika 26, 1934. It also holds if the samples' error probabilities differ (W. Hoeffding, "On the
    /// distribution of the number of successes in independent trials", Ann. Math. Statist. 27, 1956).
    package static func upper(errors: Int, count: Int, level: Double) -> Double {
        precondition(
            errors >= 0 && errors <= count && level > 0 && level < 1,
            "BinomialBound: expected 0 ≤ errors ≤ count and a level in (0, 1), received \(errors) of \(count), \(level)"
        )
        guard errors < count else { return 1 }
        var (low, high) = (Double(errors) / Double(count), 1.0)
        for _ in 0..<200 where high - low > 1e-15 {
            let p = (low + high) / 2
            if distribution(errors, count, p) > 1 - level { low = p } else { high = p }
        }
        return (low + high) / 2
    }

    /// Returns the smallest number of error-free samples whose upper bound is at most `rate`; `Int.max` if none is
    /// large enough.
    package static func leastCount(rate: Double, level: Double) -> Int {
        let count = (log1p(-level) / log1p(-rate)).rounded(.up)
        return count < 0x1p62 ? Int(count) : Int.max
    }

    /// Returns `P(X ≥ successes)` for X binomial of `count` trials at probability `rate`, in (0, 1).
    package static func upperTail(successes: Int, count: Int, rate: Double) -> Double {
        precondition(successes >= 0 && successes <= count && rate > 0 && rate < 1, "BinomialBound: no such binomial")
        // The complement: at most `count - successes` failures. This sums the smaller tail.
        return min(1, distribution(count - successes, count, 1 - rate))
    }

    /// Returns `P(X ≤ k)` for X binomial of n trials at probability p, summing terms by recurrence.
    private static func distribution(_ k: Int, _ n: Int, _ p: Double) -> Double {
        guard p > 0 else { return 1 }
        guard p < 1 else { return k >= n ? 1 : 0 }
        let odds = log(p) - log1p(-p)
        var term = Double(n) * log1p(-p), sum = exp(term)
        for i in stride(from: 1, through: k, by: 1) {
            term += log(Double(n - i + 1)) - log(Double(i)) + odds
            sum += exp(term)
        }
        return sum
    }
}
