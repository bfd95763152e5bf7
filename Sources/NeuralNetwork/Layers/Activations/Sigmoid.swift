import Formats
import Tensors

extension Layer {
    /// `1/(1 + e⁻ˣ)`, element by element.
    public static var sigmoid: Layer { Layer(Sigmoid()) }
}

/// ``Layer/sigmoid``; derivative `y·(1 − y)`.
package struct Sigmoid: PointwiseLayer {
    package static let type = "sigmoid"
    package static var options: Section<Sigmoid> { Section(initial: Sigmoid(), fields: []) }

    package func forward(_ x: UnsafePointer<Float>, count: Int, y: UnsafeMutablePointer<Float>) {
        for i in 0..<count { y[i] = Float.sigmoid(x[i]) }
    }

    package func backward(
        dy: UnsafePointer<Float>, value y: UnsafePointer<Float>, count: Int, dx: UnsafeMutablePointer<Float>
    ) {
        for i in 0..<count { dx[i] = dy[i] * y[i] * (1 - y[i]) }
    }

    package func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] { [ONNXNode("Sigmoid")] }
}
