import Foundation
import Tensors

/// A confidence interval: a range that contains a figure's true value with a stated probability.
public struct ConfidenceInterval: Hashable, Sendable, Codable {
    /// The lower end.
    public var lower: Double
    /// The upper end.
    public var upper: Double
    /// The confidence level, in (0, 1).
    public var level: Double

    /// Creates an interval from `lower` to `upper`.
    public init(lower: Double, upper: Double, level: Double) {
        self.lower = lower
        self.upper = upper
        self.level = level
    }

    /// Returns Wilson's score interval of the proportion `successes` of `count`.
    ///
    /// The interval stays within [0, 1] and remains valid for proportions near 0 and 1:
    ///
    /// `(p + z²/2n ± z·√(p(1 − p)/n + z²/4n²)) / (1 + z²/n)` with `Φ(z) = (1 + level)/2`. Wilson, "Probable
    /// inference, the law of succession, and statistical inference", 1927.
    public static func wilson(successes: Int, count: Int, level: Double = 0.95) -> ConfidenceInterval {
        precondition(
            count >= 1 && successes >= 0 && successes <= count,
            "wilson: expected 0 ≤ successes ≤ count ≥ 1, received \(successes) of \(count)")
        let n = Double(count)
        let p = Double(successes) / n
        let z = normalQuantile((1 + level) / 2)
        let centre = p + z * z / (2 * n)
        let reach = z * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
        let scale = 1 + z * z / n
        return ConfidenceInterval(
            lower: successes == 0 ? 0 : (centre - reach) / scale,
            upper: successes == count ? 1 : (centre + reach) / scale, level: level)
    }

    /// Returns Φ(z), the standard normal cumulative distribution function.
    static func normalShare(below z: Double) -> Double { 0.5 * erfc(-z / 2.0.squareRoot()) }

    /// Returns z with Φ(z) = p, for p in (0, 1).
    static func normalScore(_ p: Double) -> Double { p < 0.5 ? -normalQuantile(1 - p) : normalQuantile(p) }

    /// Returns z with Φ(z) = p, for p in [0.5, 1). Φ is concave there, so Newton's method started at 0 increases
    /// towards z and never overshoots.
    static func normalQuantile(_ p: Double) -> Double {
        precondition(p >= 0.5 && p < 1, "normalQuantile: expected p in [0.5, 1), received \(p)")
        var z = 0.0
        for _ in 0..<100 {
            let below = 1 - 0.5 * erfc(z / 2.0.squareRoot())
            let density = exp(-z * z / 2) / (2 * Double.pi).squareRoot()
            let next = z + (p - below) / density
            if abs(next - z) <= 1e-15 * max(1, next) { return next }
            z = next
        }
        return z
    }
}
