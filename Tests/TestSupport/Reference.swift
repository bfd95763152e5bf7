import Foundation
import Tensors

/// Naive `Double` twins of the layers, each beside its gradient. Matrices are row-major `[rows, columns]`.
package enum Reference {
    /// `C = A·B`, `A` `[m, k]`, `B` `[k, n]`.
    package static func product(_ a: [Double], _ b: [Double], m: Int, n: Int, k: Int) -> [Double] {
        var c = [Double](repeating: 0, count: m * n)
        for i in 0..<m {
            for p in 0..<k {
                let factor = a[i * k + p]
                for j in 0..<n { c[i * n + j] += factor * b[p * n + j] }
            }
        }
        return c
    }

    package static func transpose(_ a: [Double], rows: Int, columns: Int) -> [Double] {
        var t = [Double](repeating: 0, count: a.count)
        for r in 0..<rows { for c in 0..<columns { t[c * rows + r] = a[r * columns + c] } }
        return t
    }

    package static func columnSums(_ x: [Double], columns: Int) -> [Double] {
        var sums = [Double](repeating: 0, count: columns)
        for i in x.indices { sums[i % columns] += x[i] }
        return sums
    }

    // MARK: - Dense

    /// `Y = X·W + b`.
    package static func dense(
        x: [Double], w: [Double], bias: [Double]?, rows: Int, features: Int, units: Int
    ) -> [Double] {
        var y = product(x, w, m: rows, n: units, k: features)
        if let bias { for i in y.indices { y[i] += bias[i % units] } }
        return y
    }

    package static func denseGradients(
        x: [Double], w: [Double], dy: [Double], rows: Int, features: Int, units: Int
    ) -> (dx: [Double], dw: [Double], db: [Double]) {
        let dx = product(dy, transpose(w, rows: features, columns: units), m: rows, n: features, k: units)
        let dw = product(transpose(x, rows: rows, columns: features), dy, m: features, n: units, k: rows)
        return (dx, dw, columnSums(dy, columns: units))
    }

    // MARK: - Batch normalisation

    /// Mean and biased variance of each column, in two passes.
    package static func moments(_ x: [Double], columns: Int) -> (mean: [Double], variance: [Double]) {
        let rows = Double(x.count / columns)
        let mean = columnSums(x, columns: columns).map { $0 / rows }
        var squares = [Double](repeating: 0, count: columns)
        for i in x.indices {
            let d = x[i] - mean[i % columns]
            squares[i % columns] += d * d
        }
        return (mean, squares.map { $0 / rows })
    }

    /// `γ·(x − μ)/√(σ² + ε) + β`.
    package static func normalize(
        _ x: [Double], mean: [Double], variance: [Double], gamma: [Double], beta: [Double], epsilon: Double
    ) -> [Double] {
        let columns = mean.count
        return x.indices.map { i in
            let c = i % columns
            return gamma[c] * (x[i] - mean[c]) / (variance[c] + epsilon).squareRoot() + beta[c]
        }
    }

    /// Gradients through the batch's own mean and variance.
    package static func batchNormGradients(
        x: [Double], dy: [Double], gamma: [Double], epsilon: Double
    ) -> (dx: [Double], dgamma: [Double], dbeta: [Double]) {
        let columns = gamma.count, rows = Double(x.count / columns)
        let (mean, variance) = moments(x, columns: columns)
        let ones = [Double](repeating: 1, count: columns), zeros = [Double](repeating: 0, count: columns)
        let hat = normalize(x, mean: mean, variance: variance, gamma: ones, beta: zeros, epsilon: epsilon)
        let dbeta = columnSums(dy, columns: columns)
        let dgamma = columnSums(zip(dy, hat).map { $0 * $1 }, columns: columns)
        let dx = x.indices.map { i in
            let c = i % columns
            return gamma[c] / (variance[c] + epsilon).squareRoot()
                * (dy[i] - dbeta[c] / rows - hat[i] * dgamma[c] / rows)
        }
        return (dx, dgamma, dbeta)
    }

    // MARK: - Nonlinearities

    package enum Nonlinearity: Sendable, Hashable, CaseIterable {
        case relu, leakyRelu, gelu, tanhGelu, swish, hardSwish, tanh, sigmoid

        /// `slope` belongs to the leaky ReLU.
        package func value(_ x: Double, slope: Double = 0) -> Double {
            switch self {
            case .relu: x > 0 ? x : 0
            case .leakyRelu: x > 0 ? x : slope * x
            case .gelu: 0.5 * x * erfc(-x / 2.0.squareRoot())
            case .tanhGelu: 0.5 * x * (1 + Foundation.tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
            case .swish: x * Nonlinearity.sigmoid.value(x)
            case .hardSwish: x * min(max(x / 6 + 0.5, 0), 1)
            case .tanh: Foundation.tanh(x)
            case .sigmoid: 1 / (1 + exp(-x))
            }
        }

        package func derivative(_ x: Double, slope: Double = 0) -> Double {
            switch self {
            case .relu: return x > 0 ? 1 : 0
            case .leakyRelu: return x > 0 ? 1 : slope
            case .gelu:
                return 0.5 * erfc(-x / 2.0.squareRoot()) + x * exp(-x * x / 2) / (2 * Double.pi).squareRoot()
            case .tanhGelu:
                let root = (2 / Double.pi).squareRoot(), t = Foundation.tanh(root * (x + 0.044715 * x * x * x))
                return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * root * (1 + 3 * 0.044715 * x * x)
            case .swish:
                let share = Nonlinearity.sigmoid.value(x)
                return share + x * share * Nonlinearity.sigmoid.value(-x)
            case .hardSwish: return x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5
            case .tanh: return 1 / (cosh(x) * cosh(x))
            case .sigmoid: return value(x) * value(-x)
            }
        }
    }

    // MARK: - Softmax and loss

    package static func softmax(_ z: [Double], columns: Int) -> [Double] {
        stride(from: 0, to: z.count, by: columns).flatMap { start -> [Double] in
            let row = z[start..<start + columns]
            let top = row.max() ?? 0
            let powers = row.map { exp($0 - top) }
            let sum = powers.reduce(0, +)
            return powers.map { $0 / sum }
        }
    }

    /// `dz[i] = Σ_j dp[j] · ∂p[j]/∂z[i]` with the whole Jacobian `p[j]·(δ − p[i])`.
    package static func softmaxGradient(p: [Double], dp: [Double], columns: Int) -> [Double] {
        p.indices.map { index in
            let start = index / columns * columns
            return (start..<start + columns).reduce(0.0) { sum, j in
                sum + dp[j] * p[j] * ((j == index ? 1 : 0) - p[index])
            }
        }
    }

    /// `(1 − s)·onehot + s/K`.
    package static func target(label: Int, classes: Int, smoothing: Double) -> [Double] {
        (0..<classes).map { ($0 == label ? 1 - smoothing : 0) + smoothing / Double(classes) }
    }

    /// `−Σ t·log p` of one row of logits, by the logarithm of the sum of exponentials.
    package static func crossEntropy(_ z: [Double], label: Int, smoothing: Double) -> Double {
        let top = z.max() ?? 0
        let logSum = log(z.reduce(0.0) { $0 + exp($1 - top) })
        let t = target(label: label, classes: z.count, smoothing: smoothing)
        return -zip(t, z).reduce(0.0) { $0 + $1.0 * ($1.1 - top - logSum) }
    }

    // MARK: - Dropout

    /// Which of `count` elements of one sample dropout keeps, word by word at the documented addresses.
    package static func dropoutMask(
        seed: UInt64, step: UInt32, sample: Int, layer: Int, count: Int, rate: Float
    ) -> [Bool] {
        let key = SIMD2<UInt32>(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        return (0..<count).map { element in
            let draw = UInt32(element / 128 * 16 + element % 16)
            let counter = SIMD4<UInt32>(draw, UInt32(sample), step, 4 << 24 | UInt32(layer))
            let word = Philox.block(counter: counter, key: key)[element / 32 % 4]
            let half = element / 16 % 2 == 0 ? word & 0xFFFF : word >> 16
            return Double(half) >= (Double(rate) * 65_536).rounded()
        }
    }
}
