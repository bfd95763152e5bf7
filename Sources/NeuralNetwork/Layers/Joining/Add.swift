import Formats
import Kernels
import Tensors

extension Layer {
    /// The element-wise sum of two or more inputs of the same shape.
    public static var add: Layer { Layer(Add()) }
}

/// ``Layer/add``. The gradient of each input is the output's own, shared without a copy.
package struct Add: LayerKind {
    package static let type = "add"
    package static let inputCount = severalInputs
    package static var options: Section<Add> { Section(initial: Add(), fields: []) }

    package var traits: LayerTraits { LayerTraits(sharesGradient: true) }
    package var featureOrder: FeatureOrderRule { .ofEachInput }

    package func infer(_ node: inout NodeBuilder) throws(InputError) {
        for shape in node.inputShapes.dropFirst() where shape != node.inputShapes[0] {
            throw InputError(
                node.place, expected: "inputs of one shape (\(node.inputShapes[0]))", received: "\(shape)",
                remedy: "bring them together with a 1×1 conv2d or strides")
        }
        node.outputShape = node.inputShapes[0]
    }

    package func operation(_ emission: LayerEmission) -> (any Operation)? {
        SumOperation(
            name: emission.node.name, pass: .forward, inputs: emission.inputs, output: emission.output)
    }

    package func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] {
        [ONNXNode(node.inputs.count == 2 ? "Add" : "Sum", node.inputs.indices.map { .input($0) })]
    }
}

/// `y = Σ x_i`. In the forward pass, the `add` layer (whose gradient is the output's own, shared without a copy); in
/// the backward pass, the sum of the gradients that a layer's several readers send back.
final class SumOperation: Operation {
    let name: String
    private let pass: Pass
    private let inputs: [Storage]
    private let output: Storage

    init(name: String, pass: Pass, inputs: [Storage], output: Storage) {
        self.name = name
        self.pass = pass
        self.inputs = inputs
        self.output = output
    }

    func reads(_ pass: Pass) -> [Storage] { pass == self.pass ? inputs : [] }
    func writes(_ pass: Pass) -> [Storage] { pass == self.pass ? [output] : [] }

    func run(_ pass: Pass, _ chunk: borrowing Chunk) {
        guard pass == self.pass else { return }
        let first = chunk.images.lowerBound, count = chunk.images.count * output.floatsPerImage
        let y = output.pointer(first, chunk)
        ElementwiseKernels.add(inputs[0].pointer(first, chunk), inputs[1].pointer(first, chunk), count: count, y: y)
        for input in inputs.dropFirst(2) {
            ElementwiseKernels.add(y, input.pointer(first, chunk), count: count, y: y)
        }
    }
}
