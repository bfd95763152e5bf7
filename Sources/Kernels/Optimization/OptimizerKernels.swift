import Tensors

/// The loops of the optimizers over a range of the flat parameter buffer.
///
/// Notation: `w` parameters, `g` gradient of the loss, `m` first moment or momentum, `v` second moment, `a` averaged
/// parameters. Every loop is elementwise, in Float, 16 elements at a time. A tail shorter than 16 goes through the same
/// vector code on padded lanes, and no multiplication is fused with an addition, so the result for an element does not
/// depend on where a range begins or ends. Ranges processed concurrently must be disjoint.
///
/// The moments of an element whose gradient stays zero decay into the subnormal numbers and would get stuck there
/// (`0.9 · x` rounds back to `x`), where many CPUs take over a hundred cycles per operation. A subnormal moment is
/// therefore stored as zero.
public enum OptimizerKernels {
    /// The preprocessing of the gradient before an update: `g′ = clamp(scale · g, ±bound) + l2 · w`.
    public struct GradientFilter: Hashable, Sendable {
        /// The factor that clips by norm; 1 if the norm is within its bound.
        public var scale: Float
        /// The bound on each element's magnitude; infinite for none.
        public var bound: Float
        /// The coefficient λ of the penalty `λ/2 · Σ w²`; 0 for tensors without decay.
        public var l2: Float

        /// Creates a filter, by default the identity.
        public init(scale: Float = 1, bound: Float = .infinity, l2: Float = 0) {
            self.scale = scale
            self.bound = bound
            self.l2 = l2
        }

        /// Returns g′ of 16 elements and their weights. NaN stays NaN: clipping must not hide a diverged gradient.
        @inlinable @inline(__always)
        public func apply(_ g: SIMD16<Float>, _ w: SIMD16<Float>) -> SIMD16<Float> {
            OptimizerKernels.clamped(g * scale, bound) + w * l2
        }
    }

    // MARK: Updates

    /// SGD: `w ← w − rate · g′`. Moves 12 bytes per element.
    package static func sgd(
        _ range: Range<Int>, w: AlignedBuffer<Float>, g: AlignedBuffer<Float>, filter: GradientFilter, rate: Float
    ) {
        check(range, w)
        check(range, g)
        let w = w.pointer, g = g.pointer
        @inline(__always) func body(_ i: Int, _ n: Int) {
            let x = load(w, i, n)
            store(w, i, n, x - filter.apply(load(g, i, n), x) * rate)
        }
        sweep(range, body)
    }

    /// SGD with momentum μ in PyTorch's convention, where the rate scales the velocity rather than the gradient added
    /// to it: `m ← μ·m + g′`, then `w ← w − rate · m`, or with Nesterov momentum `w ← w − rate · (g′ + μ·m)`. Moves 20
    /// bytes per element.
    package static func momentum(
        _ range: Range<Int>, w: AlignedBuffer<Float>, g: AlignedBuffer<Float>, m: AlignedBuffer<Float>,
        filter: GradientFilter, rate: Float, momentum: Float, nesterov: Bool
    ) {
        check(range, w)
        check(range, g)
        check(range, m)
        let w = w.pointer, g = g.pointer, m = m.pointer
        @inline(__always) func body(_ i: Int, _ n: Int) {
            let x = load(w, i, n)
            let gradient = filter.apply(load(g, i, n), x)
            let velocity = flushed(load(m, i, n) * momentum + gradient)
            store(m, i, n, velocity)
            store(w, i, n, x - (nesterov ? gradient + velocity * momentum : velocity) * rate)
        }
        sweep(range, body)
    }

    /// RMSprop as in PyTorch, with ε outside the root (Keras puts it inside), not centred: `v ← ρ·v + (1 − ρ)·g′²`,
    /// `u = g′ / (√v + ε)`; without momentum `w ← w − rate · u`, with momentum μ `m ← μ·m + u`, `w ← w − rate · m`.
    /// Moves 20 or 28 bytes per element.
    ///
    /// Source: T. Tieleman, G. Hinton, "Lecture 6.5: rmsprop", Coursera 2012.
    /// - Parameter m: nil for no momentum.
    package static func rmsprop(
        _ range: Range<Int>, w: AlignedBuffer<Float>, g: AlignedBuffer<Float>, v: AlignedBuffer<Float>,
        m: AlignedBuffer<Float>?, filter: GradientFilter, rate: Float, rho: Double, epsilon: Float, momentum: Float
    ) {
        check(range, w)
        check(range, g)
        check(range, v)
        let w = w.pointer, g = g.pointer, v = v.pointer
        let keep = Float(rho), add = Float(1 - rho)
        guard let m else {
            @inline(__always) func body(_ i: Int, _ n: Int) {
                let x = load(w, i, n)
                let gradient = filter.apply(load(g, i, n), x)
                let square = flushed(load(v, i, n) * keep + gradient * gradient * add)
                store(v, i, n, square)
                store(w, i, n, x - gradient / (square.squareRoot() + epsilon) * rate)
            }
            sweep(range, body)
            return
        }
        check(range, m)
        let velocities = m.pointer
        @inline(__always) func body(_ i: Int, _ n: Int) {
            let x = load(w, i, n)
            let gradient = filter.apply(load(g, i, n), x)
            let square = flushed(load(v, i, n) * keep + gradient * gradient * add)
            store(v, i, n, square)
            let velocity = flushed(
                load(velocities, i, n) * momentum + gradient / (square.squareRoot() + epsilon))
            store(velocities, i, n, velocity)
            store(w, i, n, x - velocity * rate)
        }
        sweep(range, body)
    }

    /// Returns ε in Float, at least the least normal number: an element without any gradient yet must not become 0 / 0.
    package static func divisor(_ epsilon: Double) -> Float { max(Float(epsilon), .leastNormalMagnitude) }

    /// The coefficients of one step of Adam or AdamW, rounded once from Double.
    package struct AdamStep: Hashable, Sendable {
        fileprivate var keep1, add1, keep2, add2, rate, rootCorrection, epsilon, decay: Float

        /// - Parameters:
        ///   - step: the number of this step, from 1.
        ///   - learningRate: η, already scaled by the schedule.
        ///   - beta1: β₁ in [0, 1).
        ///   - beta2: β₂ in [0, 1).
        ///   - epsilon: ε > 0.
        ///   - weightDecay: λ of AdamW's `w ← w − η·λ·w`; 0 for Adam and for tensors without decay.
        package init(
            step: Int, learningRate: Double, beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double
        ) {
            precondition(step >= 1, "AdamStep: steps count from 1, received \(step)")
            keep1 = Float(beta1)
            add1 = Float(1 - beta1)
            keep2 = Float(beta2)
            add2 = Float(1 - beta2)
            rate = Float(learningRate / (1 - OptimizerKernels.power(beta1, step)))
            rootCorrection = Float(1 / (1 - OptimizerKernels.power(beta2, step)).squareRoot())
            self.epsilon = OptimizerKernels.divisor(epsilon)
            decay = Float(learningRate * weightDecay)
        }
    }

    /// Adam and AdamW at step t, with ε outside the root and both moments bias-corrected: `m ← β₁·m + (1 − β₁)·g′`,
    /// `v ← β₂·v + (1 − β₂)·g′²`, `w ← w − (η/(1 − β₁ᵗ) · m / (√v/√(1 − β₂ᵗ) + ε) + η·λ·w)`. Moves 28 bytes per
    /// element.
    ///
    /// Sources: D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", 2014, arXiv:1412.6980;
    /// I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", 2017, arXiv:1711.05101.
    package static func adam(
        _ range: Range<Int>, w: AlignedBuffer<Float>, g: AlignedBuffer<Float>, m: AlignedBuffer<Float>,
        v: AlignedBuffer<Float>, filter: GradientFilter, step: AdamStep
    ) {
        check(range, w)
        check(range, g)
        check(range, m)
        check(range, v)
        let w = w.pointer, g = g.pointer, m = m.pointer, v = v.pointer
        @inline(__always) func body(_ i: Int, _ n: Int) {
            let x = load(w, i, n)
            store(w, i, n, x - adamDirection(i, n, x: x, g: g, m: m, v: v, filter: filter, step: step))
        }
        sweep(range, body)
    }

    /// Returns what ``adam(_:w:g:m:v:filter:step:)`` subtracts from the parameters `x` of one vector, and updates its
    /// moments.
    @inline(__always)
    private static func adamDirection(
        _ i: Int, _ n: Int, x: SIMD16<Float>, g: UnsafeMutablePointer<Float>, m: UnsafeMutablePointer<Float>,
        v: UnsafeMutablePointer<Float>, filter: GradientFilter, step: AdamStep
    ) -> SIMD16<Float> {
        let gradient = filter.apply(load(g, i, n), x)
        let mean = flushed(load(m, i, n) * step.keep1 + gradient * step.add1)
        let square = flushed(load(v, i, n) * step.keep2 + gradient * gradient * step.add2)
        store(m, i, n, mean)
        store(v, i, n, square)
        let root = square.squareRoot() * step.rootCorrection + step.epsilon
        return mean / root * step.rate + x * step.decay
    }

    /// Adagrad: `v ← v + g′²`, `w ← w − rate · g′ / (√v + ε)`. Moves 20 bytes per element.
    ///
    /// Source: J. Duchi, E. Hazan, Y. Singer, "Adaptive subgradient methods for online learning and stochastic
    /// optimization", JMLR 12, 2011.
    package static func adagrad(
        _ range: Range<Int>, w: AlignedBuffer<Float>, g: AlignedBuffer<Float>, v: AlignedBuffer<Float>,
        filter: GradientFilter, rate: Float, epsilon: Float
    ) {
        check(range, w)
        check(range, g)
        check(range, v)
        let w = w.pointer, g = g.pointer, v = v.pointer
        @inline(__always) func body(_ i: Int, _ n: Int) {
            let x = load(w, i, n)
            let gradient = filter.apply(load(g, i, n), x)
            let square = flushed(load(v, i, n) + gradient * gradient)
            store(v, i, n, square)
            // For an element that has had no gradient yet, 0 / (0 + ε) must not become 0 / 0.
            let root = square.squareRoot() + epsilon
            store(w, i, n, x - (gradient / root).replacing(with: 0, where: root .== 0) * rate)
        }
        sweep(range, body)
    }

    /// Updates Adam's moments and writes AdamW's direction without applying it: `u = m̂ / (√v̂ + ε) + λ·w`, with an
    /// ``AdamStep`` of rate 1. Moves 28 bytes per element.
    package static func adamDirection(
        _ range: Range<Int>, w: AlignedBuffer<Float>, g: AlignedBuffer<Float>, m: AlignedBuffer<Float>,
        v: AlignedBuffer<Float>, u: AlignedBuffer<Float>, filter: GradientFilter, step: AdamStep
    ) {
        check(range, w)
        check(range, g)
        check(range, m)
        check(range, v)
        check(range, u)
        let w = w.pointer, g = g.pointer, m = m.pointer, v = v.pointer, u = u.pointer
        @inline(__always) func body(_ i: Int, _ n: Int) {
            let direction = adamDirection(i, n, x: load(w, i, n), g: g, m: m, v: v, filter: filter, step: step)
            store(u, i, n, direction)
        }
        sweep(range, body)
    }

    /// Muon's momentum as in PyTorch, `m ← μ·m + (1 − μ)·g′`, and the matrix to orthogonalize: `u = m`, or with
    /// Nesterov momentum `u = μ·m + (1 − μ)·g′`. Moves 20 bytes per element.
    package static func muonDirection(
        _ range: Range<Int>, w: AlignedBuffer<Float>, g: AlignedBuffer<Float>, m: AlignedBuffer<Float>,
        u: AlignedBuffer<Float>, filter: GradientFilter, momentum: Double, nesterov: Bool
    ) {
        check(range, w)
        check(range, g)
        check(range, m)
        check(range, u)
        let w = w.pointer, g = g.pointer, m = m.pointer, u = u.pointer
        let keep = Float(momentum), add = Float(1 - momentum)
        @inline(__always) func body(_ i: Int, _ n: Int) {
            let gradient = filter.apply(load(g, i, n), load(w, i, n))
            let mean = flushed(load(m, i, n) * keep + gradient * add)
            store(m, i, n, mean)
            store(u, i, n, nesterov ? mean * keep + gradient * add : mean)
        }
        sweep(range, body)
    }

    /// `y ← x`.
    package static func copy(_ range: Range<Int>, from x: AlignedBuffer<Float>, to y: AlignedBuffer<Float>) {
        check(range, x)
        check(range, y)
        (y.pointer + range.lowerBound).update(from: x.pointer + range.lowerBound, count: range.count)
    }

    /// Exponential moving average `a ← a + rate · (w − a)`, rate = 1 − decay. Moves 12 bytes per element.
    package static func average(
        _ range: Range<Int>, a: AlignedBuffer<Float>, w: AlignedBuffer<Float>, rate: Float
    ) {
        check(range, a)
        check(range, w)
        let a = a.pointer, w = w.pointer
        @inline(__always) func body(_ i: Int, _ n: Int) {
            let old = load(a, i, n)
            store(a, i, n, old + (load(w, i, n) - old) * rate)
        }
        sweep(range, body)
    }

    // MARK: Vectors

    /// `x ← factor · x`.
    package static func scale(_ range: Range<Int>, x: AlignedBuffer<Float>, by factor: Float) {
        check(range, x)
        let x = x.pointer
        @inline(__always) func body(_ i: Int, _ n: Int) { store(x, i, n, load(x, i, n) * factor) }
        sweep(range, body)
    }

    /// `x ← min(max(x, −bound), bound)`, bound ≥ 0; NaN stays NaN.
    package static func clamp(_ range: Range<Int>, x: AlignedBuffer<Float>, bound: Float) {
        precondition(bound >= 0, "OptimizerKernels.clamp: the bound must be at least 0, received \(bound)")
        check(range, x)
        let x = x.pointer
        @inline(__always) func body(_ i: Int, _ n: Int) { store(x, i, n, clamped(load(x, i, n), bound)) }
        sweep(range, body)
    }

    /// Returns `Σ x²` in Double: sixteen interleaved sums, element i in sum (i − start) mod 16, then added in order.
    package static func sumOfSquares(_ range: Range<Int>, x: AlignedBuffer<Float>) -> Double {
        check(range, x)
        let x = x.pointer
        var low = SIMD8<Double>(), high = SIMD8<Double>()
        @inline(__always) func body(_ i: Int, _ n: Int) {
            let value = load(x, i, n)
            let l = SIMD8<Double>(value.lowHalf), h = SIMD8<Double>(value.highHalf)
            low += l * l
            high += h * h
        }
        sweep(range, body)
        var sum = 0.0
        for lane in 0..<8 { sum += low[lane] }
        for lane in 0..<8 { sum += high[lane] }
        return sum
    }

    /// Whether no element is NaN or infinite.
    package static func isFinite(_ range: Range<Int>, x: AlignedBuffer<Float>) -> Bool {
        check(range, x)
        let x = x.pointer
        var zeros = SIMD16<Float>()
        // 0 · x is ±0 for a finite x and NaN otherwise, and a NaN persists in the sum.
        @inline(__always) func body(_ i: Int, _ n: Int) { zeros += load(x, i, n) * 0 }
        sweep(range, body)
        return zeros == SIMD16<Float>()
    }

    // MARK: The loop

    /// Applies `step(w, g′, m, v)` to 16 elements at a time and once to the remainder. A moment without a buffer is
    /// zero each time; subnormal moments are stored as zero.
    @inlinable @inline(__always)
    public static func update(
        _ range: Range<Int>, w: AlignedBuffer<Float>, g: AlignedBuffer<Float>, m: AlignedBuffer<Float>?,
        v: AlignedBuffer<Float>?, filter: GradientFilter,
        _ step: (inout SIMD16<Float>, SIMD16<Float>, inout SIMD16<Float>, inout SIMD16<Float>) -> Void
    ) {
        check(range, w)
        check(range, g)
        if let m { check(range, m) }
        if let v { check(range, v) }
        let w = w.pointer, g = g.pointer, m = m?.pointer, v = v?.pointer
        @inline(__always) func body(_ i: Int, _ n: Int) {
            var weights = load(w, i, n), first = m.map { load($0, i, n) } ?? SIMD16()
            var second = v.map { load($0, i, n) } ?? SIMD16()
            step(&weights, filter.apply(load(g, i, n), weights), &first, &second)
            store(w, i, n, weights)
            if let m { store(m, i, n, flushed(first)) }
            if let v { store(v, i, n, flushed(second)) }
        }
        sweep(range, body)
    }

    /// Calls `body(i, n)` for the elements i..<i+n, with n = 16 throughout and then once for the remainder. `body` is a
    /// local function that is always inlined; a closure called in two places would be a real call each time.
    @inlinable @inline(__always)
    static func sweep(_ range: Range<Int>, _ body: (_ i: Int, _ n: Int) -> Void) {
        var i = range.lowerBound
        while i &+ 16 <= range.upperBound {
            body(i, 16)
            i &+= 16
        }
        if i < range.upperBound { body(i, range.upperBound &- i) }
    }

    /// Loads 16 elements from `i` on, of which `n` exist; the others are 0.
    @inlinable @inline(__always)
    static func load(_ p: UnsafeMutablePointer<Float>, _ i: Int, _ n: Int) -> SIMD16<Float> {
        if n == 16 { return p.lanes(i) }
        var lanes = SIMD16<Float>()
        for k in 0..<n { lanes[k] = p[i &+ k] }
        return lanes
    }

    /// Stores the first `n` of 16 elements from `i` on.
    @inlinable @inline(__always)
    static func store(_ p: UnsafeMutablePointer<Float>, _ i: Int, _ n: Int, _ value: SIMD16<Float>) {
        if n == 16 { return p.setLanes(i, value) }
        for k in 0..<n { p[i &+ k] = value[k] }
    }

    @inlinable @inline(__always)
    static func clamped(_ x: SIMD16<Float>, _ bound: Float) -> SIMD16<Float> {
        let capped = x.replacing(with: bound, where: x .> bound)
        return capped.replacing(with: -bound, where: capped .< -bound)
    }

    /// Returns `x` with its subnormal lanes set to zero; NaN stays NaN.
    @inlinable @inline(__always)
    static func flushed(_ x: SIMD16<Float>) -> SIMD16<Float> {
        let tiny = Float.leastNormalMagnitude
        return x.replacing(with: 0, where: (x .< tiny) .& (x .> -tiny))
    }

    @usableFromInline
    static func check(_ range: Range<Int>, _ buffer: AlignedBuffer<Float>) {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= buffer.count,
            "OptimizerKernels: range \(range) is outside a buffer of \(buffer.count) elements")
    }

    /// Returns `base` to an integer power, by squaring.
    private static func power(_ base: Double, _ exponent: Int) -> Double {
        var result = 1.0, square = base, remaining = exponent
        while remaining > 0 {
            if remaining & 1 == 1 { result *= square }
            square *= square
            remaining >>= 1
        }
        return result
    }
}
