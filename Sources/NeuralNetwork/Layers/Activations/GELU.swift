import Formats
import Tensors

extension Layer {
    /// `x · Φ(x)`, where Φ is the normal distribution function, computed with the exact error function. Hendrycks and
    /// Gimpel 2016, arXiv:1606.08415.
    public static var gelu: Layer { Layer(GELU()) }

    /// The approximation of ``gelu`` by a hyperbolic tangent, `x/2 · (1 + tanh(√(2/π)·(x + 0.044715·x³)))`, as PyTorch's
    /// `approximate="tanh"`.
    public static var tanhGelu: Layer { Layer(GELU(approximate: .tanh)) }
}

/// ``Layer/gelu`` as `x/2 · (1 + erf(x/√2))`; derivative `Φ(x) + x·φ(x)`, where φ is the normal density. With
/// ``Approximation/tanh`` ``Layer/tanhGelu``, computed as `x·σ(2u)` with `u = √(2/π)·(x + 0.044715·x³)`; derivative
/// `σ + 2x·σ·(1 − σ)·u′`.
package struct GELU: FunctionLayer {
    package enum Approximation: String, CaseIterable, Sendable {
        /// The exact function.
        case none
        /// By a hyperbolic tangent.
        case tanh
    }

    package var approximate = Approximation.none

    package init(approximate: Approximation = .none) { self.approximate = approximate }

    package static let type = "gelu"
    package static var options: Section<GELU> {
        Section(
            initial: GELU(),
            fields: [
                .key(
                    "approximate", \.approximate, .choice(Approximation.self),
                    "none: the exact function; tanh: its approximation by a hyperbolic tangent.")
            ])
    }

    package func value<Number: RealNumber>(_ x: Number) -> Number {
        approximate == .tanh ? x * Self.share(x) : Self.exact(x)
    }

    package func derivative<Number: RealNumber>(_ x: Number) -> Number {
        approximate == .tanh ? Self.tanhDerivative(x) : Self.exactDerivative(x)
    }

    @inline(__always)
    private static func exact<Number: RealNumber>(_ x: Number) -> Number {
        0.5 * x * (1 + Number.erf(x * 0.707_106_781_186_547_524))
    }

    @inline(__always)
    private static func exactDerivative<Number: RealNumber>(_ x: Number) -> Number {
        let cdf = 0.5 * (1 + Number.erf(x * 0.707_106_781_186_547_524))
        return cdf + x * 0.398_942_280_401_432_678 * Number.exp(-0.5 * x * x)
    }

    /// Beyond ±20 σ is 0 or 1 in every precision, and x³ might overflow.
    @inline(__always)
    private static func bounded<Number: RealNumber>(_ x: Number) -> Number {
        let low = x < -20 ? -20 : x
        return low > 20 ? 20 : low
    }

    /// Returns `σ(2u)`.
    @inline(__always)
    private static func share<Number: RealNumber>(_ x: Number) -> Number {
        let t = bounded(x)
        return Number.sigmoid(1.595_769_121_605_730_71 * t * (1 + 0.044_715 * t * t))
    }

    @inline(__always)
    private static func tanhDerivative<Number: RealNumber>(_ x: Number) -> Number {
        let s = share(x), t = bounded(x)
        return s + t * s * (1 - s) * 1.595_769_121_605_730_71 * (1 + 0.134_145 * t * t)
    }

    // The choice stays outside the loops, so that they vectorize.

    package func forward(_ x: UnsafePointer<Float>, count: Int, y: UnsafeMutablePointer<Float>) {
        if approximate == .tanh {
            for i in 0..<count { y[i] = x[i] * Self.share(x[i]) }
        } else {
            for i in 0..<count { y[i] = Self.exact(x[i]) }
        }
    }

    package func backward(
        dy: UnsafePointer<Float>, value x: UnsafePointer<Float>, count: Int, dx: UnsafeMutablePointer<Float>
    ) {
        if approximate == .tanh {
            for i in 0..<count { dx[i] = dy[i] * Self.tanhDerivative(x[i]) }
        } else {
            for i in 0..<count { dx[i] = dy[i] * Self.exactDerivative(x[i]) }
        }
    }

    /// ONNX has a single operator for it only since operator set 20.
    package func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] {
        guard approximate == .tanh else {
            return [
                ONNXNode("Div", [.input(0), .float(Float(2).squareRoot(), name: "sqrt2")], suffix: "scaled"),
                ONNXNode("Erf", [.node(0)], suffix: "erf"),
                ONNXNode("Add", [.node(1), .float(1, name: "one")], suffix: "shifted"),
                ONNXNode("Mul", [.input(0), .node(2)], suffix: "product"),
                ONNXNode("Mul", [.node(3), .float(0.5, name: "half")]),
            ]
        }
        return [
            ONNXNode("Mul", [.input(0), .input(0)], suffix: "square"),
            ONNXNode("Mul", [.node(0), .float(0.071_354_815, name: "cubic")], suffix: "scaled"),
            ONNXNode("Add", [.node(1), .float(1.595_769_1, name: "linear")], suffix: "slope"),
            ONNXNode("Mul", [.input(0), .node(2)], suffix: "argument"),
            ONNXNode("Sigmoid", [.node(3)], suffix: "share"),
            ONNXNode("Mul", [.input(0), .node(4)]),
        ]
    }
}
