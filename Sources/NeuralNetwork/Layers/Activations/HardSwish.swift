import Formats
import Tensors

extension Layer {
    /// `x·min(max(x + 3, 0), 6)/6`, element by element: swish without exponentials. Howard et al. 2019,
    /// arXiv:1905.02244.
    public static var hardSwish: Layer { Layer(HardSwish()) }
}

/// ``Layer/hardSwish``; derivative 0 up to −3, 1 from 3 on, and `x/3 + 1/2` in between.
package struct HardSwish: FunctionLayer {
    package static let type = "hardSwish"
    package static var options: Section<HardSwish> { Section(initial: HardSwish(), fields: []) }

    /// NaN fails both comparisons and is passed through.
    package func value<Number: RealNumber>(_ x: Number) -> Number { x <= -3 ? 0 : x >= 3 ? x : x * (x + 3) / 6 }

    package func derivative<Number: RealNumber>(_ x: Number) -> Number { x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5 }

    /// ONNX has a single operator for it only since operator set 14.
    package func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] {
        [
            ONNXNode("HardSigmoid", suffix: "gate", attributes: [("alpha", .float(1 / 6)), ("beta", .float(0.5))]),
            ONNXNode("Mul", [.input(0), .node(0)]),
        ]
    }
}
