import Formats
import Kernels
import Tensors

extension Layer {
    /// `exp(x_k)/Σ exp(x_c)` over the channels. As the last layer it is fused with the loss, which applies softmax in
    /// any case.
    public static var softmax: Layer { Layer(Softmax()) }
}

/// ``Layer/softmax``.
package struct Softmax: LayerKind {
    package static let type = "softmax"
    package static var options: Section<Softmax> { Section(initial: Softmax(), fields: []) }

    package var traits: LayerTraits { LayerTraits(isSoftmax: true) }

    package func operation(_ emission: LayerEmission) -> (any Operation)? { SoftmaxOperation(emission) }

    package func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] {
        [ONNXNode("Softmax", attributes: [("axis", .int(1))])]
    }
}

/// Softmax inside a network: `dz = p·(dp − Σ dp·p)`.
private final class SoftmaxOperation: Operation {
    let name: String
    private let columns: Int
    private let input, output: Storage
    private let outputGradient, inputGradient: Storage?

    init(_ emission: LayerEmission) {
        name = emission.node.name
        columns = emission.node.outputShape.channels
        input = emission.input
        output = emission.output
        outputGradient = emission.outputGradient
        inputGradient = emission.inputGradient
    }

    func reads(_ pass: Pass) -> [Storage] { pass == .forward ? [input] : [outputGradient, output].compactMap { $0 } }
    func writes(_ pass: Pass) -> [Storage] { pass == .forward ? [output] : [inputGradient].compactMap { $0 } }

    func run(_ pass: Pass, _ chunk: borrowing Chunk) {
        let first = chunk.images.lowerBound, rows = chunk.images.count * (input.floatsPerImage / columns)
        if pass == .forward {
            SoftmaxKernels.forward(
                input.pointer(first, chunk), rows: rows, columns: columns, p: output.pointer(first, chunk))
        } else if let outputGradient, let inputGradient {
            SoftmaxKernels.backward(
                dp: outputGradient.pointer(first, chunk), p: output.pointer(first, chunk), rows: rows,
                columns: columns, dz: inputGradient.pointer(first, chunk))
        }
    }
}
