import Tensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Softmax over the columns of `[rows, K]`, on its own and fused with the categorical cross-entropy.
package enum SoftmaxKernels {
    /// Computes `p[k] = e^(z[k] − max z) / Σ e^(z[j] − max z)`. `p` may be `z`.
    package static func forward(_ z: UnsafePointer<Float>, rows: Int, columns: Int, p: UnsafeMutablePointer<Float>) {
        for r in 0..<rows {
            let source = z + r * columns, target = p + r * columns
            let top = maximum(source, columns)
            var sum: Float = 0
            for k in 0..<columns {
                let e = expf(source[k] - top)
                target[k] = e
                sum += e
            }
            let share = 1 / sum
            for k in 0..<columns { target[k] *= share }
        }
    }

    /// Computes `dz[k] = p[k]·(dp[k] − Σ_j dp[j]·p[j])`. `dz` may be `dp`.
    package static func backward(
        dp: UnsafePointer<Float>, p: UnsafePointer<Float>, rows: Int, columns: Int, dz: UnsafeMutablePointer<Float>
    ) {
        for r in 0..<rows {
            let g = dp + r * columns, q = p + r * columns, target = dz + r * columns
            var dot: Float = 0
            for k in 0..<columns { dot += g[k] * q[k] }
            for k in 0..<columns { target[k] = q[k] * (g[k] - dot) }
        }
    }

    /// Returns the loss of one row of logits `z[K]` and, if `dz` is given, writes its gradient times `weight`.
    ///
    /// With smoothing `s` the target is `t = (1 − s)·onehot + s/K`. The loss is `−Σ t·log p`, computed as
    /// `logΣe^z − (1 − s)·z[label] − s/K·Σz` with the maximum subtracted; the gradient is `weight·(p − t)`.
    /// Source of smoothing: Szegedy et al. 2015, arXiv:1512.00567.
    package static func crossEntropy(
        _ z: UnsafePointer<Float>, columns: Int, label: Int, smoothing: Float, weight: Float,
        dz: UnsafeMutablePointer<Float>?
    ) -> Double {
        let top = maximum(z, columns)
        var sum = 0.0, linear = 0.0
        for k in 0..<columns {
            let shifted = Double(z[k]) - Double(top)  // in Double: finite logits cannot overflow
            let e = expf(Float(shifted))
            sum += Double(e)
            linear += shifted
            if let dz { dz[k] = e }
        }
        let even = Double(smoothing) / Double(columns)
        if let dz {
            let share = Float(1 / sum), rest = Float(even)
            for k in 0..<columns {
                let target = rest + (k == label ? 1 - smoothing : 0)
                dz[k] = weight * (dz[k] * share - target)
            }
        }
        return log(sum) - (1 - Double(smoothing)) * (Double(z[label]) - Double(top)) - even * linear
    }

    /// Returns the loss for a target of two classes, `share` of `label` and the rest of `other`, as in mixup and
    /// cutmix: `t = (1 − s)·(λ·e_label + (1 − λ)·e_other) + s/K`.
    package static func crossEntropy(
        _ z: UnsafePointer<Float>, columns: Int, label: Int, other: Int, share: Float, smoothing: Float, weight: Float,
        dz: UnsafeMutablePointer<Float>?
    ) -> Double {
        let loss = crossEntropy(z, columns: columns, label: label, smoothing: smoothing, weight: weight, dz: dz)
        let moved = (1 - smoothing) * (1 - share)
        if let dz {
            dz[label] += weight * moved
            dz[other] -= weight * moved
        }
        return loss + Double(moved) * (Double(z[label]) - Double(z[other]))
    }

    /// Returns the distillation term of a loss, `weight · T²·Σ q·(log q − log p)` with `p = softmax(z/T)`, and adds its
    /// gradient, `gradientWeight · T·(p − q)`, to `dz`. Both are zero for q = p. T² keeps the gradient's magnitude as T
    /// changes.
    /// Source: G. Hinton, O. Vinyals, J. Dean, "Distilling the knowledge in a neural network", 2015, arXiv:1503.02531.
    /// - Parameters:
    ///   - q: the teachers' probabilities at this temperature.
    ///   - gradientWeight: the weight of the gradient, which may be that of a mean.
    package static func addDistillation(
        _ z: UnsafePointer<Float>, columns: Int, q: UnsafePointer<Float>, temperature: Float, weight: Float,
        gradientWeight: Float, dz: UnsafeMutablePointer<Float>
    ) -> Double {
        let top = maximum(z, columns)
        let inverse = 1 / Double(temperature)
        var sum = 0.0
        for k in 0..<columns { sum += Double(expf(Float((Double(z[k]) - Double(top)) * inverse))) }
        let logSum = log(sum), factor = gradientWeight * temperature
        var divergence = 0.0
        for k in 0..<columns {
            let logP = (Double(z[k]) - Double(top)) * inverse - logSum
            dz[k] += factor * (Float(exp(logP)) - q[k])
            if q[k] > 0 { divergence += Double(q[k]) * (log(Double(q[k])) - logP) }
        }
        return Double(weight) * Double(temperature) * Double(temperature) * divergence
    }

    /// Accumulates softened probabilities, `sum ← (keeps ? sum : 0) + share·softmax(z/T)`, row by row of `[rows, K]`.
    package static func addSoftened(
        _ z: AlignedBuffer<Float>, rows: Int, columns: Int, temperature: Float, share: Float, keeps: Bool,
        sum: AlignedBuffer<Float>
    ) {
        precondition(
            z.count >= rows * columns && sum.count >= rows * columns, "SoftmaxKernels: a buffer is too short")
        let inverse = 1 / temperature
        for r in 0..<rows {
            let source = z.pointer + r * columns, target = sum.pointer + r * columns
            let top = maximum(source, columns)
            var total: Float = 0
            for k in 0..<columns { total += expf((source[k] - top) * inverse) }
            let factor = share / total
            for k in 0..<columns {
                target[k] = (keeps ? target[k] : 0) + factor * expf((source[k] - top) * inverse)
            }
        }
    }

    /// The normalizer of the softmax of `z/T`, in two parts so that neither overflows:
    /// `log p[k] = (z[k] − top)/T − logSum`. Computed in Double.
    package static func normalizer(
        _ z: UnsafePointer<Float>, columns: Int, temperature: Double = 1
    ) -> (top: Double, logSum: Double) {
        let top = Double(maximum(z, columns))
        var sum = 0.0
        for k in 0..<columns { sum += exp((Double(z[k]) - top) / temperature) }
        return (top, log(sum))
    }

    /// The column of the largest value, the first in case of ties; NaN counts as the largest.
    package static func argmax(_ z: UnsafePointer<Float>, columns: Int) -> Int {
        var best = 0
        for k in 1..<max(columns, 1) where z[best] == z[best] && !(z[k] <= z[best]) { best = k }
        return best
    }

    @inline(__always)
    private static func maximum(_ z: UnsafePointer<Float>, _ columns: Int) -> Float {
        var top = z[0]
        for k in 1..<max(columns, 1) where z[k] > top { top = z[k] }
        return top
    }
}
