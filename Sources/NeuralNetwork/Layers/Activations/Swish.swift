import Formats

extension Layer {
    /// `x/(1 + e⁻ˣ)`, element by element; SiLU by its other name. Ramachandran, Zoph, Le 2017, arXiv:1710.05941.
    public static var swish: Layer { Layer(Swish()) }
}

/// ``Layer/swish`` as `x·σ(x)`, σ being ``Sigmoid``; derivative `σ·(1 + x·(1 − σ))`.
package struct Swish: PointwiseLayer {
    package static let type = "swish"
    package static var options: Section<Swish> { Section(initial: Swish(), fields: []) }
    package static let derivativeUsesOutput = false

    package func forward(_ x: UnsafePointer<Float>, count: Int, y: UnsafeMutablePointer<Float>) {
        for i in 0..<count { y[i] = x[i] * Sigmoid.value(x[i]) }
    }

    package func backward(
        dy: UnsafePointer<Float>, value: UnsafePointer<Float>, count: Int, dx: UnsafeMutablePointer<Float>
    ) {
        for i in 0..<count {
            let x = value[i], share = Sigmoid.value(x)
            dx[i] = dy[i] * share * (1 + x * (1 - share))
        }
    }

    package func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] {
        [ONNXNode("Sigmoid", suffix: "sigmoid"), ONNXNode("Mul", [.input(0), .node(0)])]
    }
}
