import Tensors

/// Batch normalisation over the columns of an activation matrix `[rows, C]`.
///
/// Training: `y = γ·(x − μ)/√(σ² + ε) + β` with the batch's mean μ and biased variance σ², and with
/// `g = ∂L/∂y`, `x̂ = (x − μ)/√(σ² + ε)`, over R rows:
/// `∂L/∂β = Σ g`, `∂L/∂γ = Σ g·x̂`, `∂L/∂x = γ/√(σ² + ε) · (g − Σg/R − x̂·Σ(g·x̂)/R)`.
///
/// A following ReLU can be fused: forward `y = max(0, …)`; backward, `g` is masked where the forward value, recomputed
/// from `x`, was not positive. Source: Ioffe and Szegedy 2015, arXiv:1502.03167.
package enum BatchNormKernels {
    /// Doubles that hold one shard's moments: row count, mean `[C]`, sum of squared deviations `[C]`.
    package static func momentsCount(_ columns: Int) -> Int { 1 + 2 * columns }

    /// Merges the moments of `x[rows, C]` into `state`: the mean and squared deviations of this block, which should be
    /// in cache, combined in Double by Chan's formula (Chan, Golub, LeVeque 1979).
    ///
    /// A centre close to the mean is estimated from a few evenly spaced rows. The pass over all rows sums the
    /// deviations `d` from it as well as `d²`, giving `mean = centre + Σd/R` and `Σd² − (Σd)²/R`: accurate to a
    /// rounding of the spread, however far the mean is from zero (shifted data: Chan, Golub, LeVeque 1983).
    /// - Parameter scratch: two periods of floats.
    package static func addMoments(
        _ x: UnsafePointer<Float>, rows: Int, columns: Int, to state: UnsafeMutablePointer<Double>,
        scratch: UnsafeMutablePointer<Float>
    ) {
        guard rows > 0 else { return }
        let period = ColumnKernels.period(columns), total = rows &* columns
        let full = total / period
        let mean = state + 1, m2 = mean + columns
        let blockRows = Double(rows), before = state[0], after = before + blockRows
        // The centre: the mean of up to 32 periods, or of all rows if there is less than one period.
        let step = max(1, (full &+ 31) / 32), samples = full == 0 ? rows : (full &+ step &- 1) / step
        if full == 0 {
            for c in 0..<columns {
                var sum: Float = 0
                for row in 0..<rows { sum += x[row &* columns &+ c] }
                scratch[c] = sum / Float(rows)
            }
        } else {
            var base = 0
            while base < period {
                var sum = SIMD16<Float>()
                var source = x + base
                for _ in 0..<samples {
                    sum += source.lanes(0)
                    source += step &* period
                }
                scratch.setLanes(base, sum)
                base &+= 16
            }
            let share = 1 / Float(samples &* (period / columns))
            for c in 0..<columns {
                var sum: Float = 0
                var j = c
                while j < period { sum += scratch[j]; j &+= columns }
                scratch[c] = sum * share
            }
        }
        var j = period
        while j > columns { j &-= 1; scratch[j] = scratch[j % columns] }
        // Deviations from the centre, and their squares.
        let deviations = scratch + period
        var base = 0
        while base < period {
            let centre = UnsafePointer(scratch).lanes(base)
            var a0 = SIMD16<Float>(), a1 = a0, a2 = a0, a3 = a0, s0 = a0, s1 = a0, s2 = a0, s3 = a0
            var p = 0
            var source = x + base
            while p &+ 4 <= full {
                let d0 = source.lanes(0) - centre, d1 = source.lanes(period) - centre
                let d2 = source.lanes(2 &* period) - centre, d3 = source.lanes(3 &* period) - centre
                a0.addProduct(d0, d0)
                a1.addProduct(d1, d1)
                a2.addProduct(d2, d2)
                a3.addProduct(d3, d3)
                s0 += d0
                s1 += d1
                s2 += d2
                s3 += d3
                source += 4 &* period
                p &+= 4
            }
            while p < full {
                let d = source.lanes(0) - centre
                a0.addProduct(d, d)
                s0 += d
                source += period
                p &+= 1
            }
            deviations.setLanes(base, (s0 + s1) + (s2 + s3))
            let sum = (a0 + a1) + (a2 + a3)
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

    /// Computes `y = x·scale + shift`, then applies ReLU if requested; `scale` and `shift` are expanded to one period.
    /// `y` may be `x`.
    package static func apply(
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
                // NaN must propagate, so the floor replaces only values below it.
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

    /// Adds `sums[c] += Σ g` and `sums[C + c] += Σ g·(x − μ)`, `g` being `dy` masked by the ReLU, if any.
    /// - Parameter scratch: two periods of floats.
    package static func addGradientSums(
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

    /// Computes `dx = scale·g + slope·(x − μ) + offset`, `g` being `dy` masked by the ReLU, if any; `slope` is
    /// `−scale·Σ(g·x̂)/(R·√(σ² + ε))`, `offset` is `−scale·Σg/R`; every row is expanded to one period. `dx` may be
    /// `dy`.
    package static func inputGradient(
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
