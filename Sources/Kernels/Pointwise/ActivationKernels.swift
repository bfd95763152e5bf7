import Tensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Element-wise nonlinearities and their derivatives.
package enum Activation: Hashable, Sendable {
    /// `max(0, x)`; derivative 0 at 0. NaN stays NaN.
    case relu
    /// `x` where positive, `slope·x` elsewhere; slope ≥ 0.
    case leakyRelu(slope: Float)
    /// `x·Φ(x) = x/2 · (1 + erf(x/√2))`. Hendrycks and Gimpel 2016, arXiv:1606.08415.
    case gelu
    case tanh
    /// `1 / (1 + e^−x)`, computed from `e^−|x|` so that nothing overflows.
    case sigmoid

    /// Whether the derivative is computed from the output `y` (else from the input `x`).
    package var derivativeUsesOutput: Bool { self != .gelu }

    /// `y[i] = f(x[i])`. `y` may be `x`.
    package func forward(_ x: UnsafePointer<Float>, count: Int, y: UnsafeMutablePointer<Float>) {
        switch self {
        case .relu: Activation.leaky(x, count, 0, y)
        case .leakyRelu(let slope): Activation.leaky(x, count, slope, y)
        case .gelu:
            for i in 0..<count { y[i] = 0.5 * x[i] * (1 + erff(x[i] * 0.707_106_77)) }
        case .tanh:
            for i in 0..<count { y[i] = tanhf(x[i]) }
        case .sigmoid:
            for i in 0..<count {
                let e = expf(-abs(x[i]))
                y[i] = (x[i] >= 0 ? 1 : e) / (1 + e)
            }
        }
    }

    /// `dx[i] = dy[i]·f′`, with `value` the output or the input as ``derivativeUsesOutput`` says. `dx` may be `dy`.
    package func backward(
        dy: UnsafePointer<Float>, value: UnsafePointer<Float>, count: Int, dx: UnsafeMutablePointer<Float>
    ) {
        switch self {
        case .relu: Activation.leakyGradient(dy, value, count, 0, dx)
        case .leakyRelu(let slope): Activation.leakyGradient(dy, value, count, slope, dx)
        case .gelu:
            for i in 0..<count {
                let x = value[i]
                let cdf = 0.5 * (1 + erff(x * 0.707_106_77))
                let density = 0.398_942_28 * expf(-0.5 * x * x)
                dx[i] = dy[i] * (cdf + x * density)
            }
        case .tanh:
            for i in 0..<count { dx[i] = dy[i] * (1 - value[i] * value[i]) }
        case .sigmoid:
            for i in 0..<count { dx[i] = dy[i] * value[i] * (1 - value[i]) }
        }
    }

    @inline(__always)
    private static func leaky(
        _ x: UnsafePointer<Float>, _ count: Int, _ slope: Float, _ y: UnsafeMutablePointer<Float>
    ) {
        let zero = SIMD16<Float>()
        var i = 0
        while i &+ 16 <= count {
            let value = x.lanes(i)
            y.setLanes(i, value.replacing(with: slope == 0 ? zero : value * slope, where: value .< zero))
            i &+= 16
        }
        while i < count {
            y[i] = x[i] < 0 ? (slope == 0 ? 0 : x[i] * slope) : x[i]
            i &+= 1
        }
    }

    @inline(__always)
    private static func leakyGradient(
        _ dy: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ count: Int, _ slope: Float,
        _ dx: UnsafeMutablePointer<Float>
    ) {
        let zero = SIMD16<Float>()
        var i = 0
        while i &+ 16 <= count {
            let g = dy.lanes(i)
            dx.setLanes(i, g.replacing(with: g * slope, where: y.lanes(i) .<= zero))
            i &+= 16
        }
        while i < count {
            dx[i] = y[i] <= 0 ? dy[i] * slope : dy[i]
            i &+= 1
        }
    }
}
