import Formats

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension Layer {
    /// `x · Φ(x)`, Φ being the normal distribution, with the exact error function. Hendrycks and Gimpel 2016,
    /// arXiv:1606.08415.
    public static var gelu: Layer { Layer(GELU()) }
}

/// ``Layer/gelu`` as `x/2 · (1 + erf(x/√2))`; derivative `Φ(x) + x·φ(x)`, φ being the density.
package struct GELU: PointwiseLayer {
    package static let type = "gelu"
    package static var options: Section<GELU> { Section(initial: GELU(), fields: []) }
    package static let derivativeUsesOutput = false

    package func forward(_ x: UnsafePointer<Float>, count: Int, y: UnsafeMutablePointer<Float>) {
        for i in 0..<count { y[i] = 0.5 * x[i] * (1 + erff(x[i] * 0.707_106_77)) }
    }

    package func backward(
        dy: UnsafePointer<Float>, value: UnsafePointer<Float>, count: Int, dx: UnsafeMutablePointer<Float>
    ) {
        for i in 0..<count {
            let x = value[i]
            let cdf = 0.5 * (1 + erff(x * 0.707_106_77))
            let density = 0.398_942_28 * expf(-0.5 * x * x)
            dx[i] = dy[i] * (cdf + x * density)
        }
    }

    /// An operator of its own only from operator set 20.
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
