import Tensors

/// Normalization of a region of one image `[rows, C]`, a range of rows by a range of channels, by its own moments:
/// `x̂ = (x − μ)/√(σ² + ε)`, `y = γ[c]·x̂ + β[c]`, σ² biased. Sums run in Double over rows, then channels.
package enum RegionNormKernels {
    /// Returns the mean and `1/√(σ² + ε)`, in two passes.
    @inline(__always)
    private static func moments(
        _ x: UnsafePointer<Float>, _ columns: Int, _ rows: Range<Int>, _ channels: Range<Int>, _ epsilon: Double
    ) -> (mean: Double, inverse: Double) {
        let count = Double(rows.count * channels.count)
        var sum = 0.0
        for r in rows { for c in channels { sum += Double(x[r &* columns &+ c]) } }
        let mean = sum / count
        var squares = 0.0
        for r in rows {
            for c in channels {
                let difference = Double(x[r &* columns &+ c]) - mean
                squares += difference * difference
            }
        }
        return (mean, 1 / (squares / count + epsilon).squareRoot())
    }

    package static func forward(
        _ x: UnsafePointer<Float>, columns: Int, rows: Range<Int>, channels: Range<Int>, epsilon: Float,
        gamma: UnsafePointer<Float>, beta: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>
    ) {
        let (mean, inverse) = moments(x, columns, rows, channels, Double(epsilon))
        for r in rows {
            for c in channels {
                let i = r &* columns &+ c
                y[i] = Float((Double(x[i]) - mean) * inverse * Double(gamma[c]) + Double(beta[c]))
            }
        }
    }

    /// Computes `dx = (g − mean g − x̂·mean(g·x̂))/√(σ² + ε)` with `g = γ·dy`, if `dx` is given, and adds
    /// `sums[c] += Σ dy·x̂` and `sums[C + c] += Σ dy`, if `sums` is given.
    package static func backward(
        dy: UnsafePointer<Float>, x: UnsafePointer<Float>, columns: Int, rows: Range<Int>, channels: Range<Int>,
        epsilon: Float, gamma: UnsafePointer<Float>, sums: UnsafeMutablePointer<Double>?,
        dx: UnsafeMutablePointer<Float>?
    ) {
        let (mean, inverse) = moments(x, columns, rows, channels, Double(epsilon))
        var total = 0.0, projection = 0.0
        for r in rows {
            for c in channels {
                let i = r &* columns &+ c
                let hat = (Double(x[i]) - mean) * inverse, d = Double(dy[i])
                total += d * Double(gamma[c])
                projection += d * Double(gamma[c]) * hat
                if let sums {
                    sums[c] += d * hat
                    sums[columns &+ c] += d
                }
            }
        }
        guard let dx else { return }
        let count = Double(rows.count * channels.count)
        (total, projection) = (total / count, projection / count)
        for r in rows {
            for c in channels {
                let i = r &* columns &+ c
                let hat = (Double(x[i]) - mean) * inverse
                dx[i] = Float((Double(dy[i]) * Double(gamma[c]) - total - hat * projection) * inverse)
            }
        }
    }
}
