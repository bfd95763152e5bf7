import Experiments
import Kernels
import NeuralNetwork
import ONNX
import Tensors

/// Writes a network's inference as ONNX nodes, layer by layer.
struct ONNXGraphWriter {
    let model: SavedModel
    let graph: ResolvedGraph
    private let input: ONNXInput
    var builder: ONNXGraphBuilder
    /// The scales of the inputs of quantized layers, by node.
    private let byteScales: [Int: ByteScale]
    /// The same values after quantization and dequantization.
    private var rounded: [Int: String] = [:]
    /// The name of each node's output value, with the network's input at −1.
    private var values: [Int: String] = [:]

    init(model: SavedModel, input: ONNXInput) {
        self.model = model
        graph = model.graph
        self.input = input
        byteScales = graph.byteScales
        builder = ONNXGraphBuilder(
            name: model.experiment.name, reserved: [ONNXExport.inputName] + model.graph.nodes.map(\.name))
    }

    /// Returns the complete graph. A final softmax belongs to the loss and is applied
    /// once, as in training; of several labels it is a sigmoid.
    mutating func write(inputNote: String) -> Onnx_GraphProto {
        builder.describe(
            "Values are called like the layers of the configuration in the metadata; dropout is left out.")
        builder.declareInput(
            ONNXExport.inputName, input == .float ? .float : .uint8, extents(graph.inputShape), about: inputNote)
        values[-1] = normalized(ONNXExport.inputName)
        round(-1)
        for (index, node) in graph.nodes.enumerated() {
            if index == graph.nodes.count - 1, graph.endsInSoftmax {
                values[index] = values[node.inputs[0]]
                continue
            }
            let value = layer(node)
            values[index] = value
            round(index)
            if value == node.name { builder.note(value, extents(node.outputShape)) }
        }
        let output = builder.unique(ONNXExport.outputName)
        let last = values[graph.nodes.count - 1] ?? ONNXExport.inputName
        if model.experiment.data.multiLabel {
            builder.add("Sigmoid", [last], name: output)
        } else {
            builder.add("Softmax", [last], name: output, attributes: [.int("axis", 1)])
        }
        builder.declareOutput(
            output, [graph.classCount],
            about: model.experiment.data.multiLabel
                ? "the probability of each label" : "the probability of each class; each row sums to 1")
        return builder.graph
    }

    /// Returns `x = b / 255` for bytes, then `(x − μ) / σ` if the model standardises: exactly the operations of
    /// training.
    private mutating func normalized(_ name: String) -> String {
        var value = name
        if input == .uint8 {
            let type = Int(Onnx_TensorProto.DataType.float.rawValue)
            value = step("Cast", [value], "input/float", [.int("to", type)])
            value = step("Div", [value, builder.floats([255], shape: [], name: "input/255")], "input/scaled")
        }
        if let (mean, deviation) = model.normalization {
            value = step("Sub", [value, builder.floats([mean], shape: [], name: "input/mean")], "input/centred")
            let divisor = builder.floats([deviation], shape: [], name: "input/standard_deviation")
            value = step("Div", [value, divisor], "input/standardized")
        }
        return value
    }

    /// Quantizes and dequantizes the value of `node` if quantized layers read it.
    private mutating func round(_ node: Int) {
        guard let scale = byteScales[node], let value = values[node] else { return }
        if rounded.values.contains(value) {
            // A layer without operators passes on a value that was quantized already.
            rounded[node] = value
            return
        }
        rounded[node] = rounded(value, scale, named: node < 0 ? "input" : graph.nodes[node].name)
    }

    /// Adds a node that is not one of the configuration's own layers.
    mutating func step(
        _ operation: String, _ inputs: [String], _ name: String, _ attributes: [Onnx_AttributeProto] = []
    ) -> String {
        builder.add(operation, inputs, name: builder.unique(name), attributes: attributes)
    }

    /// Adds the layer's operators and returns the name of its output value.
    private mutating func layer(_ node: ResolvedGraph.Node) -> String {
        let inputs = node.inputs.map { source in
            let value = graph.readsBytes(node) ? rounded[source] : nil
            return value ?? values[source] ?? ONNXExport.inputName
        }
        var outputs: [String] = []
        for operation in node.layer.kind.onnx(node) {
            let read = operation.inputs.map { self.name(of: $0, inputs, outputs, node) }
            let name = operation.suffix.map { builder.unique("\(node.name)/\($0)") } ?? node.name
            let attributes = operation.attributes.map(Onnx_AttributeProto.init)
            outputs.append(builder.add(operation.operation, read, name: name, attributes: attributes))
        }
        return outputs.last ?? inputs[0]
    }

    private mutating func name(
        of value: ONNXNode.Value, _ inputs: [String], _ outputs: [String], _ node: ResolvedGraph.Node
    ) -> String {
        switch value {
        case .input(let number): inputs[number]
        case .node(let number): outputs[number]
        case .parameter(let tensor): parameter(tensor, of: node)
        case .state(let tensor): state(tensor)
        case .float(let value, let name): builder.floats([value], shape: [], name: "\(node.name)/\(name)")
        case .integers(let values, let name): builder.integers(values, name: "\(node.name)/\(name)")
        }
    }

    private mutating func parameter(_ tensor: ParameterTensor, of node: ResolvedGraph.Node) -> String {
        let values = tensor.range.map { model.parameters[$0] }
        if let quantization = node.quantization {
            return parameter(tensor, values, quantization, isKernel: tensor == node.parameters[0])
        }
        guard tensor.shape.count == 4 else { return builder.floats(values, shape: tensor.shape, name: tensor.name) }
        let order = AxisOrder.filters(tensor.shape)
        return builder.floats(order.index.map { values[$0] }, shape: order.shape, name: tensor.name)
    }

    private mutating func state(_ tensor: ParameterTensor) -> String {
        builder.floats(tensor.range.map { model.state[$0] }, shape: tensor.shape, name: tensor.name)
    }

    private func extents(_ shape: Shape) -> [Int] {
        shape.isImage ? [shape.channels, shape.height, shape.width] : shape.dimensions
    }
}
