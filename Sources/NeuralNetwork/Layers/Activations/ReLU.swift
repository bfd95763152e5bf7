import Formats

extension Layer {
    /// `max(x, 0)`, element by element. NaN stays NaN.
    public static var relu: Layer { Layer(ReLU()) }
}

/// ``Layer/relu``; derivative 0 at 0.
package struct ReLU: PointwiseLayer {
    package static let type = "relu"
    package static var options: Section<ReLU> { Section(initial: ReLU(), fields: []) }

    package var traits: LayerTraits { LayerTraits(isRectifier: true) }

    package func forward(_ x: UnsafePointer<Float>, count: Int, y: UnsafeMutablePointer<Float>) {
        LeakyReLU(negativeSlope: 0).forward(x, count: count, y: y)
    }

    package func backward(
        dy: UnsafePointer<Float>, value: UnsafePointer<Float>, count: Int, dx: UnsafeMutablePointer<Float>
    ) {
        LeakyReLU(negativeSlope: 0).backward(dy: dy, value: value, count: count, dx: dx)
    }

    package func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] { [ONNXNode("Relu")] }
}
