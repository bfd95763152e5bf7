import Foundation
import Tensors

extension Sweep {
    /// Returns `value` rounded to four significant digits, as tables display it, and clamped to `range`.
    static func rounded(_ value: Double, within range: ClosedRange<Double>) -> Double {
        let short = Double(String(format: "%.3e", value)) ?? value
        return min(max(short, range.lowerBound), range.upperBound)
    }

    /// Returns low^(1 − u)·high^u.
    static func between(_ low: Double, _ high: Double, _ u: Double) -> Double {
        exp(log(low) + (log(high) - log(low)) * u)
    }
}

extension RandomStream {
    /// Returns a uniformly distributed number in [0, 1), a multiple of 2⁻³².
    mutating func unit() -> Double { Double(nextWord()) * 0x1p-32 }
}
