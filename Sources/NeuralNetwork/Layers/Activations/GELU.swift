import Formats
import Tensors

extension Layer {
    /// `x · Φ(x)`, where Φ is the normal distribution function, computed with the exact error function. Hendrycks and
    /// Gimpel 2016, arXiv:1606.08415.
    public static var gelu: Layer { Layer(GELU()) }
}

/// ``Layer/gelu`` as `x/2 · (1 + erf(x/√2))`; derivative `Φ(x) + x·φ(x)`, where φ is the normal density.
package struct GELU: FunctionLayer {
    package static let type = "gelu"
    package static var options: Section<GELU> { Section(initial: GELU(), fields: []) }

    package func value<Number: RealNumber>(_ x: Number) -> Number {
        0.5 * x * (1 + Number.erf(x * 0.707_106_781_186_547_524))
    }

    package func derivative<Number: RealNumber>(_ x: Number) -> Number {
        let cdf = 0.5 * (1 + Number.erf(x * 0.707_106_781_186_547_524))
        return cdf + x * 0.398_942_280_401_432_678 * Number.exp(-0.5 * x * x)
    }

    /// ONNX has a single operator for it only since operator set 20.
    package func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] {
        [
            ONNXNode("Div", [.input(0), .float(Float(2).squareRoot(), name: "sqrt2")], suffix: "scaled"),
            ONNXNode("Erf", [.node(0)], suffix: "erf"),
            ONNXNode("Add", [.node(1), .float(1, name: "one")], suffix: "shifted"),
            ONNXNode("Mul", [.input(0), .node(2)], suffix: "product"),
            ONNXNode("Mul", [.node(3), .float(0.5, name: "half")]),
        ]
    }
}
