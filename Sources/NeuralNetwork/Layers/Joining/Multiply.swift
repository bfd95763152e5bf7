import Formats
import Tensors

extension Layer {
    /// The element-wise product of two inputs of the same shape, or of an image `[H, W, C]` and a vector `[C]` that
    /// multiplies every pixel: the last step of squeeze-and-excitation (Hu et al. 2017, arXiv:1709.01507).
    public static var multiply: Layer { Layer(Multiply()) }
}

/// ``Layer/multiply``: `y = a·b`, `da = dy·b`, `db = dy·a`, summed over the pixels if b is a vector.
package struct Multiply: LayerKind {
    package static let type = "multiply"
    package static let inputCount = 2...2
    package static var options: Section<Multiply> { Section(initial: Multiply(), fields: []) }

    package var featureOrder: FeatureOrderRule { .ofEachInput }

    package func infer(_ node: inout NodeBuilder) throws(InputError) {
        let (a, b) = (node.inputShapes[0], node.inputShapes[1])
        guard a == b || a.isImage && b.dimensions == [a.channels] else {
            throw InputError(
                node.place,
                expected: "a second input of the first's shape (\(a))"
                    + (a.isImage ? " or a vector of its channels (\(a.channels))" : ""),
                received: "\(b)", remedy: "bring it there with a dense or a 1×1 conv2d layer")
        }
        node.outputShape = a
    }

    package func operation(_ emission: LayerEmission) -> (any Operation)? { MultiplyOperation(emission) }

    package func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] {
        guard node.inputShapes[0] != node.inputShapes[1] else { return [ONNXNode("Mul", [.input(0), .input(1)])] }
        return [
            ONNXNode(
                "Reshape", [.input(1), .integers([0, node.outputShape.channels, 1, 1], name: "pixel")], suffix: "pixel"),
            ONNXNode("Mul", [.input(0), .node(0)]),
        ]
    }
}

private final class MultiplyOperation: Operation {
    let name: String
    private let a, b, output: Storage
    private let outputGradient: Storage?
    private let gradients: [Storage?]
    /// The rows of `a` per row of `b`, and the floats of `b` per image.
    private let rows, columns: Int

    init(_ emission: LayerEmission) {
        name = emission.node.name
        (a, b) = (emission.inputs[0], emission.inputs[1])
        output = emission.output
        outputGradient = emission.outputGradient
        gradients = emission.inputGradients
        columns = emission.node.inputShapes[1].count
        rows = emission.node.inputShapes[0].count / columns
    }

    func reads(_ pass: Pass) -> [Storage] {
        guard pass != .forward else { return [a, b] }
        return [outputGradient, gradients[0] == nil ? nil : b, gradients[1] == nil ? nil : a].compactMap { $0 }
    }

    func writes(_ pass: Pass) -> [Storage] { pass == .forward ? [output] : gradients.compactMap { $0 } }

    func run(_ pass: Pass, _ chunk: borrowing Chunk) {
        for image in chunk.images {
            if pass == .forward {
                scale(a.pointer(image, chunk), by: b.pointer(image, chunk), to: output.pointer(image, chunk))
                continue
            }
            guard let outputGradient else { continue }
            let dy = outputGradient.pointer(image, chunk)
            if let da = gradients[0] { scale(dy, by: b.pointer(image, chunk), to: da.pointer(image, chunk)) }
            if let db = gradients[1] {
                let target = db.pointer(image, chunk), x = a.pointer(image, chunk)
                for c in 0..<columns { target[c] = dy[c] * x[c] }
                for row in 1..<max(rows, 1) {
                    for c in 0..<columns { target[c] += dy[row &* columns &+ c] * x[row &* columns &+ c] }
                }
            }
        }
    }

    private func scale(
        _ x: UnsafeMutablePointer<Float>, by factors: UnsafeMutablePointer<Float>, to y: UnsafeMutablePointer<Float>
    ) {
        for row in 0..<rows {
            for c in 0..<columns { y[row &* columns &+ c] = x[row &* columns &+ c] * factors[c] }
        }
    }
}
