import Formats
import Kernels
import Tensors

extension Layer {
    /// The concatenation of the channels of two or more inputs of the same height and width.
    public static var concatenate: Layer { Layer(Concatenate()) }
}

/// ``Layer/concatenate``.
package struct Concatenate: LayerKind {
    package static let type = "concatenate"
    package static let inputCount = severalInputs
    package static var options: Section<Concatenate> { Section(initial: Concatenate(), fields: []) }

    package var featureOrder: FeatureOrderRule { .joined }

    package func infer(_ node: inout NodeBuilder) throws(InputError) {
        let lead = Array(node.inputShapes[0].dimensions.dropLast())
        for shape in node.inputShapes.dropFirst() where Array(shape.dimensions.dropLast()) != lead {
            throw InputError(
                node.place, expected: "inputs that differ in channels only (like \(node.inputShapes[0]))",
                received: "\(shape)")
        }
        node.outputShape = try node.checked(lead + [node.inputShapes.reduce(0) { $0 + $1.channels }])
    }

    package func operation(_ emission: LayerEmission) -> (any Operation)? { ConcatenateOperation(emission) }

    package func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] {
        [ONNXNode("Concat", node.inputs.indices.map { .input($0) }, attributes: [("axis", .int(1))])]
    }
}

/// Copies columns together in the forward pass, and splits the gradient in the backward pass.
private final class ConcatenateOperation: Operation {
    let name: String
    private let inputs: [Storage]
    private let channels: [Int]
    private let output: Storage
    private let outputGradient: Storage?
    private let inputGradients: [Storage?]
    private let rowsPerImage: Int

    init(_ emission: LayerEmission) {
        name = emission.node.name
        inputs = emission.inputs
        channels = emission.node.inputShapes.map(\.channels)
        output = emission.output
        outputGradient = emission.outputGradient
        inputGradients = emission.inputGradients
        rowsPerImage = emission.node.outputShape.rows
    }

    func reads(_ pass: Pass) -> [Storage] { pass == .forward ? inputs : [outputGradient].compactMap { $0 } }
    func writes(_ pass: Pass) -> [Storage] { pass == .forward ? [output] : inputGradients.compactMap { $0 } }

    func run(_ pass: Pass, _ chunk: borrowing Chunk) {
        let first = chunk.images.lowerBound, rows = chunk.images.count * rowsPerImage
        let width = channels.reduce(0, +)
        var column = 0
        for (index, count) in channels.enumerated() {
            if pass == .forward {
                ColumnKernels.copyColumns(
                    inputs[index].pointer(first, chunk), xStride: count, to: output.pointer(first, chunk) + column,
                    yStride: width, rows: rows, columns: count)
            } else if let outputGradient, let gradient = inputGradients[index] {
                ColumnKernels.copyColumns(
                    outputGradient.pointer(first, chunk) + column, xStride: width, to: gradient.pointer(first, chunk),
                    yStride: count, rows: rows, columns: count)
            }
            column += count
        }
    }
}
