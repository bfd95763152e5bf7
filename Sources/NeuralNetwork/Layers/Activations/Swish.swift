import Formats
import Tensors

extension Layer {
    /// `x/(1 + e⁻ˣ)`, element by element; also known as SiLU. Ramachandran, Zoph, Le 2017, arXiv:1710.05941.
    public static var swish: Layer { Layer(Swish()) }
}

/// ``Layer/swish`` as `x·σ(x)`, where σ is ``Sigmoid``; derivative `σ·(1 + x·(1 − σ))`.
package struct Swish: FunctionLayer {
    package static let type = "swish"
    package static var options: Section<Swish> { Section(initial: Swish(), fields: []) }

    package func value<Number: RealNumber>(_ x: Number) -> Number { x * Number.sigmoid(x) }

    package func derivative<Number: RealNumber>(_ x: Number) -> Number {
        let share = Number.sigmoid(x)
        return share * (1 + x * (1 - share))
    }

    package func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] {
        [ONNXNode("Sigmoid", suffix: "sigmoid"), ONNXNode("Mul", [.input(0), .node(0)])]
    }
}
