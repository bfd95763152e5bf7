import Foundation

/// Binary logistic regression: P(second) = 1 / (1 + exp(−w·x − b)), with w found by Newton's method on the mean
/// log-likelihood minus λ·‖w‖²/2. Computed in Double, in the order of the samples.
struct LogisticRegression {
    private var weights: [Double]
    private static let penalty = 1e-3
    private static let steps = 12

    /// - Parameters:
    ///   - x: the samples, `[N, d]`.
    ///   - isSecond: whether each is of the second class, `[N]`.
    /// - Returns: nil if the equations have no solution.
    init?(_ x: [Double], isSecond: [Bool], d: Int) {
        let n = isSecond.count, m = d + 1
        weights = [Double](repeating: 0, count: m)
        for _ in 0..<Self.steps {
            var gradient = [Double](repeating: 0, count: m), hessian = [Double](repeating: 0, count: m * m)
            var row = [Double](repeating: 1, count: m)
            for i in 0..<n {
                for j in 0..<d { row[j] = x[i * d + j] }
                let p = 1 / (1 + exp(-zip(row, weights).reduce(0) { $0 + $1.0 * $1.1 }))
                let residual = (isSecond[i] ? 1 : 0) - p, weight = max(p * (1 - p), 1e-9)
                for a in 0..<m {
                    gradient[a] += residual * row[a]
                    let scaled = weight * row[a]
                    for b in 0...a { hessian[a * m + b] += scaled * row[b] }
                }
            }
            for a in 0..<m {
                gradient[a] /= Double(n)
                for b in 0...a { hessian[a * m + b] /= Double(n) }
                hessian[a * m + a] += Self.penalty
                gradient[a] -= Self.penalty * weights[a]
            }
            guard let move = Cholesky.solve(hessian, gradient) else { return nil }
            var largest = 0.0
            for a in 0..<m {
                weights[a] += move[a]
                largest = max(largest, abs(move[a]))
            }
            if largest < 1e-6 { break }
        }
    }

    /// Returns whether a sample `[d]` is of the second class.
    func isSecond(_ x: ArraySlice<Double>) -> Bool {
        zip(x, weights).reduce(weights[weights.count - 1]) { $0 + $1.0 * $1.1 } > 0
    }
}

/// Solves symmetric positive definite systems.
enum Cholesky {
    /// Solves H·x = g with H `[m, m]` given by its lower triangle; nil if it is not positive definite.
    static func solve(_ h: [Double], _ g: [Double]) -> [Double]? {
        let m = g.count
        var l = h, x = g
        for i in 0..<m {
            for j in 0...i {
                var sum = l[i * m + j]
                for k in 0..<j { sum -= l[i * m + k] * l[j * m + k] }
                if i == j {
                    guard sum > 0 else { return nil }
                    l[i * m + i] = sum.squareRoot()
                } else {
                    l[i * m + j] = sum / l[j * m + j]
                }
            }
        }
        for i in 0..<m {
            for k in 0..<i { x[i] -= l[i * m + k] * x[k] }
            x[i] /= l[i * m + i]
        }
        for i in (0..<m).reversed() {
            for k in (i + 1)..<max(m, i + 1) { x[i] -= l[k * m + i] * x[k] }
            x[i] /= l[i * m + i]
        }
        return x
    }
}
