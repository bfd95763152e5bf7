import Tensors

/// Batch normalisation over the columns of an activation matrix `[rows, C]`.
///
/// Training: `y = γ·(x − μ)/√(σ² + ε) + β` with the batch's mean μ and biased variance σ², and with
/// `g = ∂L/∂y`, `x̂ = (x − μ)/√(σ² + ε)`, over R rows:
/// `∂L/∂β = Σ g`, `∂L/∂γ = Σ g·x̂`, `∂L/∂x = γ/√(σ² + ε) · (g − Σg/R − x̂·Σ(g·x̂)/R)`.
///
/// A following ReLU can ride along: forward `y = max(0, …)`, backward `g` is masked where the forward value, computed
/// again from `x`, was not positive. Source: Ioffe and Szegedy 2015, arXiv:1502.03167.
public enum BatchNormKernels {
    /// Doubles of one shard's moments: row count, mean `[C]`, sum of squared deviations `[C]`.
    public static func momentsCount(_ columns: Int) -> Int { 1 + 2 * columns }

    /// Merges the moments of `x[rows, C]` into `state`: mean and squared deviations of this block in two passes over
    /// it (it should be in cache), joined in Double by Chan's formula (Chan, Golub, LeVeque 1979).
    ///
    /// The first pass finds a centre near the mean; the second sums deviations `d` from it as well as `d²`, which gives
    /// `mean = centre + Σd/R` and `Σd² − (Σd)²/R`: exact to a rounding of the spread, however far the mean is from zero
    /// (the corrected two-pass algorithm: Chan, Golub, LeVeque 1983).
    /// - Parameter scratch: two periods of floats.
    public static func addMoments(
        _ x: UnsafePointer<Float>, rows: Int, columns: Int, to state: UnsafeMutablePointer<Double>,
        scratch: UnsafeMutablePointer<Float>
    ) {
        guard rows > 0 else { return }
        let period = ColumnKernels.period(columns), total = rows &* columns
        let full = total / period
        let mean = state + 1, m2 = mean + columns
        let blockRows = Double(rows), before = state[0], after = before + blockRows
        // Pass 1: sums.
        sumPeriods(x, full, period, scratch)
        for c in 0..<columns {
            var sum = 0.0
            var j = c
            while j < period { sum += Double(scratch[j]); j &+= columns }
            var i = full &* period &+ c
            while i < total { sum += Double(x[i]); i &+= columns }
            scratch[c] = Float(sum / blockRows)
        }
        var j = period
        while j > columns { j &-= 1; scratch[j] = scratch[j % columns] }
        // Pass 2: deviations from the centre and their squares.
        let deviations = scratch + period
        var base = 0
        while base < period {
            let centre = UnsafePointer(scratch).lanes(base)
            var a0 = SIMD16<Float>(), a1 = SIMD16<Float>(), s0 = SIMD16<Float>(), s1 = SIMD16<Float>()
            var p = 0
            var source = x + base
            while p &+ 2 <= full {
                let d0 = source.lanes(0) - centre, d1 = source.lanes(period) - centre
                a0.addProduct(d0, d0)
                a1.addProduct(d1, d1)
                s0 += d0
                s1 += d1
                source += 2 &* period
                p &+= 2
            }
            if p < full {
                let d = source.lanes(0) - centre
                a0.addProduct(d, d)
                s0 += d
            }
            deviations.setLanes(base, s0 + s1)
            let sum = a0 + a1
            var c = base % columns
            for lane in 0..<16 {
                m2[c] += Double(sum[lane])
                c = c &+ 1 == columns ? 0 : c &+ 1
            }
            base &+= 16
        }
        for c in 0..<columns {
            var sum = 0.0
            var j = c
            while j < period { sum += Double(deviations[j]); j &+= columns }
            var i = full &* period &+ c
            while i < total {
                let d = x[i] - scratch[c]
                sum += Double(d)
                m2[c] += Double(d * d)
                i &+= columns
            }
            let delta = Double(scratch[c]) + sum / blockRows - mean[c]
            mean[c] += delta * (blockRows / after)
            m2[c] += delta * delta * (before * blockRows / after) - sum * sum / blockRows
        }
        state[0] = after
    }

    /// `sums[j] = Σ_p x[p·period + j]` with four partial sums over p, added as (0+1)+(2+3).
    @inline(__always)
    private static func sumPeriods(
        _ x: UnsafePointer<Float>, _ full: Int, _ period: Int, _ sums: UnsafeMutablePointer<Float>
    ) {
        var base = 0
        while base < period {
            var a0 = SIMD16<Float>(), a1 = SIMD16<Float>(), a2 = SIMD16<Float>(), a3 = SIMD16<Float>()
            var source = x + base
            var p = 0
            while p &+ 4 <= full {
                a0 += source.lanes(0)
                a1 += source.lanes(period)
                a2 += source.lanes(2 &* period)
                a3 += source.lanes(3 &* period)
                source += 4 &* period
                p &+= 4
            }
            while p < full {
                a0 += source.lanes(0)
                source += period
                p &+= 1
            }
            sums.setLanes(base, (a0 + a1) + (a2 + a3))
            base &+= 16
        }
    }

    /// `y = x·scale + shift`, then ReLU where asked; `scale`, `shift` expanded to one period. `y` may be `x`.
    public static func apply(
        _ x: UnsafePointer<Float>, rows: Int, columns: Int, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
        relu: Bool, y: UnsafeMutablePointer<Float>
    ) {
        let period = ColumnKernels.period(columns), total = rows &* columns
        let floor = SIMD16<Float>(repeating: relu ? 0 : -.infinity)
        var start = 0
        while start &+ period <= total {
            var j = 0
            while j < period {
                let value = shift.lanes(j).addingProduct(x.lanes(start &+ j), scale.lanes(j))
                // A NaN must stay one, so the floor replaces only what is below it.
                y.setLanes(start &+ j, value.replacing(with: floor, where: value .< floor))
                j &+= 16
            }
            start &+= period
        }
        var j = 0
        while start < total {
            let value = shift[j].addingProduct(x[start], scale[j])
            y[start] = value < floor[0] ? floor[0] : value
            start &+= 1
            j &+= 1
        }
    }

    /// `sums[c] += Σ g`, `sums[C + c] += Σ g·(x − μ)`, `g` being `dy` masked by the ReLU where there is one.
    /// - Parameter scratch: two periods of floats.
    public static func addGradientSums(
        dy: UnsafePointer<Float>, x: UnsafePointer<Float>, rows: Int, columns: Int, mean: UnsafePointer<Float>,
        scale: UnsafePointer<Float>, shift: UnsafePointer<Float>, relu: Bool, to sums: UnsafeMutablePointer<Double>,
        scratch: UnsafeMutablePointer<Float>
    ) {
        let period = ColumnKernels.period(columns), total = rows &* columns
        let full = total / period
        let zero = SIMD16<Float>()
        var base = 0
        while base < period {
            let mu = mean.lanes(base), a = scale.lanes(base), b = shift.lanes(base)
            var s0 = zero, s1 = zero, t0 = zero, t1 = zero
            var p = base
            var left = full
            while left >= 2 {
                let x0 = x.lanes(p), x1 = x.lanes(p &+ period)
                var g0 = dy.lanes(p), g1 = dy.lanes(p &+ period)
                if relu {
                    g0.replace(with: zero, where: b.addingProduct(x0, a) .<= zero)
                    g1.replace(with: zero, where: b.addingProduct(x1, a) .<= zero)
                }
                s0 += g0
                s1 += g1
                t0.addProduct(g0, x0 - mu)
                t1.addProduct(g1, x1 - mu)
                p &+= 2 &* period
                left &-= 2
            }
            if left == 1 {
                let x0 = x.lanes(p)
                var g0 = dy.lanes(p)
                if relu { g0.replace(with: zero, where: b.addingProduct(x0, a) .<= zero) }
                s0 += g0
                t0.addProduct(g0, x0 - mu)
            }
            scratch.setLanes(base, s0 + s1)
            scratch.setLanes(period &+ base, t0 + t1)
            base &+= 16
        }
        var c = 0
        for j in 0..<period {
            sums[c] += Double(scratch[j])
            sums[columns &+ c] += Double(scratch[period &+ j])
            c = c &+ 1 == columns ? 0 : c &+ 1
        }
        var i = full &* period
        c = 0
        while i < total {
            if !relu || !(shift[c].addingProduct(x[i], scale[c]) <= 0) {
                sums[c] += Double(dy[i])
                sums[columns &+ c] += Double(dy[i] * (x[i] - mean[c]))
            }
            c = c &+ 1 == columns ? 0 : c &+ 1
            i &+= 1
        }
    }

    /// `dx = scale·g + slope·(x − μ) + offset`, `g` being `dy` masked by the ReLU where there is one; `slope` is
    /// `−scale·Σ(g·x̂)/(R·√(σ² + ε))`, `offset` is `−scale·Σg/R`; every row expanded to one period. `dx` may be `dy`.
    public static func inputGradient(
        dy: UnsafePointer<Float>, x: UnsafePointer<Float>, rows: Int, columns: Int, mean: UnsafePointer<Float>,
        scale: UnsafePointer<Float>, shift: UnsafePointer<Float>, slope: UnsafePointer<Float>,
        offset: UnsafePointer<Float>, relu: Bool, dx: UnsafeMutablePointer<Float>
    ) {
        let period = ColumnKernels.period(columns), total = rows &* columns
        let zero = SIMD16<Float>()
        var start = 0
        while start &+ period <= total {
            var j = 0
            while j < period {
                let value = x.lanes(start &+ j), a = scale.lanes(j)
                var g = dy.lanes(start &+ j)
                if relu { g.replace(with: zero, where: shift.lanes(j).addingProduct(value, a) .<= zero) }
                let centred = offset.lanes(j).addingProduct(slope.lanes(j), value - mean.lanes(j))
                dx.setLanes(start &+ j, centred.addingProduct(a, g))
                j &+= 16
            }
            start &+= period
        }
        var j = 0
        while start < total {
            let masked = relu && shift[j].addingProduct(x[start], scale[j]) <= 0
            let centred = offset[j].addingProduct(slope[j], x[start] - mean[j])
            dx[start] = centred.addingProduct(scale[j], masked ? 0 : dy[start])
            start &+= 1
            j &+= 1
        }
    }
}
