import Formats
import Tensors

extension Layer {
    /// `x·min(max(x + 3, 0), 6)/6`, element by element: swish without exponentials. Howard et al. 2019, arXiv:1905.02244.
    public static var hardSwish: Layer { Layer(HardSwish()) }
}

/// ``Layer/hardSwish``; derivative 0 up to −3, 1 from 3 on, between them `x/3 + 1/2`.
package struct HardSwish: PointwiseLayer {
    package static let type = "hardSwish"
    package static var options: Section<HardSwish> { Section(initial: HardSwish(), fields: []) }
    package static let derivativeUsesOutput = false

    package func forward(_ x: UnsafePointer<Float>, count: Int, y: UnsafeMutablePointer<Float>) {
        for i in 0..<count {
            let value = x[i]
            // NaN passes both comparisons by.
            y[i] = value <= -3 ? 0 : value >= 3 ? value : value * (value + 3) / 6
        }
    }

    package func backward(
        dy: UnsafePointer<Float>, value: UnsafePointer<Float>, count: Int, dx: UnsafeMutablePointer<Float>
    ) {
        for i in 0..<count {
            let x = value[i]
            dx[i] = dy[i] * (x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5)
        }
    }

    /// An operator of its own only from operator set 14.
    package func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] {
        [
            ONNXNode("HardSigmoid", suffix: "gate", attributes: [("alpha", .float(1 / 6)), ("beta", .float(0.5))]),
            ONNXNode("Mul", [.input(0), .node(0)]),
        ]
    }
}
