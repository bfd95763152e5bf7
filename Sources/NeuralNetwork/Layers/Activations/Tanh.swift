import Formats

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension Layer {
    /// `(eˣ − e⁻ˣ)/(eˣ + e⁻ˣ)`, element by element.
    public static var tanh: Layer { Layer(Tanh()) }
}

/// ``Layer/tanh``; derivative `1 − y²`.
package struct Tanh: PointwiseLayer {
    package static let type = "tanh"
    package static var options: Section<Tanh> { Section(initial: Tanh(), fields: []) }

    package func forward(_ x: UnsafePointer<Float>, count: Int, y: UnsafeMutablePointer<Float>) {
        for i in 0..<count { y[i] = tanhf(x[i]) }
    }

    package func backward(
        dy: UnsafePointer<Float>, value y: UnsafePointer<Float>, count: Int, dx: UnsafeMutablePointer<Float>
    ) {
        for i in 0..<count { dx[i] = dy[i] * (1 - y[i] * y[i]) }
    }

    package func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] { [ONNXNode("Tanh")] }
}
