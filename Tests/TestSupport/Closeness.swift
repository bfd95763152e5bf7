/// The unit roundoff of Float, 2^-24.
package let unitRoundoff = 0x1p-24

/// The worst element of `found` against the exact `expected`, in units of its bound.
///
/// The bound of a sum of K products in Float is taken as `(4 + 2·√K)·2^-24·Σ|terms|`: roundings are as good as
/// independent, so that they add up like √K, not K; 4 covers the roundings of the data and of what follows the sum.
package func sumExcess(_ found: [Float], _ expected: [Double], length: Int, terms: [Double]) -> Double {
    guard found.count == expected.count, terms.count == expected.count else { return .infinity }
    let factor = (4 + 2 * Double(length).squareRoot()) * unitRoundoff
    var worst = 0.0
    for i in found.indices {
        let error = abs(Double(found[i]) - expected[i])
        if error.isNaN { return .infinity }
        if error > 0 { worst = max(worst, error / (factor * terms[i])) }
    }
    return worst
}

/// The largest of |found − expected|; infinite where counts differ or a NaN shows, which `max()` passes over.
package func largestDifference(_ found: [Double], _ expected: [Double]) -> Double {
    guard found.count == expected.count else { return .infinity }
    return zip(found, expected).reduce(0) { worst, pair in
        let difference = abs(pair.0 - pair.1)
        return difference.isNaN ? .infinity : max(worst, difference)
    }
}

package func largestDifference(_ found: [Float], _ expected: [Double]) -> Double {
    largestDifference(found.doubles, expected)
}

/// The largest of |found − expected| over the largest of |expected|; infinite where counts differ or a NaN shows.
package func relativeDistance(_ found: [Double], _ expected: [Double], floor: Double = 0) -> Double {
    guard found.count == expected.count else { return .infinity }
    var error = 0.0, size = floor
    for i in found.indices {
        let difference = abs(found[i] - expected[i])
        if difference.isNaN { return .infinity }
        error = max(error, difference)
        size = max(size, abs(expected[i]))
    }
    return error == 0 ? 0 : error / size
}

package func relativeDistance(_ found: [Float], _ expected: [Double], floor: Double = 0) -> Double {
    relativeDistance(found.doubles, expected, floor: floor)
}

/// The worst relative error of `gradient` against central differences of `function` at `point`, ε = 1e-6.
///
/// Relative to the larger of the two numbers, but to no less than 10^-2 of the largest gradient: the rounding of
/// `function` alone is worth 10^-10 of its value.
package func gradientError(
    at point: [Double], gradient: [Double], epsilon: Double = 1e-6, of function: ([Double]) -> Double
) -> Double {
    guard point.count == gradient.count else { return .infinity }
    let floor = 1e-2 * (gradient.map(abs).max() ?? 0)
    var moved = point
    var worst = 0.0
    for i in point.indices {
        moved[i] = point[i] + epsilon
        let above = function(moved)
        moved[i] = point[i] - epsilon
        let below = function(moved)
        moved[i] = point[i]
        let numeric = (above - below) / (2 * epsilon)
        let error = abs(numeric - gradient[i]) / max(abs(numeric), abs(gradient[i]), floor, 1e-12)
        if error.isNaN { return .infinity }
        worst = max(worst, error)
    }
    return worst
}

/// `Σ a·b`: a scalar whose gradient by `a` is `b`.
package func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0.0) { $0 + $1.0 * $1.1 } }
