import Experiments
import NeuralNetwork
import ONNX
import Tensors

/// Writes a network's inference as ONNX nodes, layer by layer.
struct ONNXGraphWriter {
    private let model: SavedModel
    private let graph: ResolvedGraph
    private let input: ONNXInput
    private var builder: ONNXGraphBuilder
    /// The value that holds the output of each node, and of the input at −1.
    private var values: [Int: String] = [:]

    init(model: SavedModel, input: ONNXInput) {
        self.model = model
        graph = model.graph
        self.input = input
        builder = ONNXGraphBuilder(
            name: model.experiment.name, reserved: [ONNXExport.inputName] + model.graph.nodes.map(\.name))
    }

    /// The whole graph. A last softmax is that of the loss: applied once, like training does.
    mutating func write(inputNote: String) -> Onnx_GraphProto {
        builder.describe(
            "Values are called like the layers of the configuration in the metadata; dropout is left out.")
        builder.declareInput(
            ONNXExport.inputName, input == .float ? .float : .uint8, extents(graph.inputShape), about: inputNote)
        values[-1] = normalized(ONNXExport.inputName)
        for (index, node) in graph.nodes.enumerated() {
            if index == graph.nodes.count - 1, graph.endsInSoftmax {
                values[index] = values[node.inputs[0]]
                continue
            }
            let value = layer(node)
            values[index] = value
            if value == node.name { builder.note(value, extents(node.outputShape)) }
        }
        let output = builder.unique(ONNXExport.outputName)
        let last = values[graph.nodes.count - 1] ?? ONNXExport.inputName
        builder.add("Softmax", [last], name: output, attributes: [.int("axis", 1)])
        builder.declareOutput(output, [graph.classCount], about: "the probability of each class; each row sums to 1")
        return builder.graph
    }

    /// `x = b / 255` for bytes, then `(x − μ) / σ` where the model standardises: the very operations of training.
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

    /// A node beside the configuration's own layers.
    private mutating func step(
        _ operation: String, _ inputs: [String], _ name: String, _ attributes: [Onnx_AttributeProto] = []
    ) -> String {
        builder.add(operation, inputs, name: builder.unique(name), attributes: attributes)
    }

    private mutating func layer(_ node: ResolvedGraph.Node) -> String {
        let inputs = node.inputs.map { values[$0] ?? ONNXExport.inputName }
        let name = node.name
        switch node.layer {
        case .conv2d: return convolution(node, inputs[0])
        case .dense:
            return builder.add("Gemm", [inputs[0]] + node.parameters.map { parameter($0) }, name: name)
        case .batchNormalization(_, let epsilon):
            let tensors = node.parameters.map { parameter($0) } + node.state.map { state($0) }
            return builder.add(
                "BatchNormalization", inputs + tensors, name: name, attributes: [.float("epsilon", epsilon)])
        case .relu: return builder.add("Relu", inputs, name: name)
        case .leakyRelu(let slope):
            return builder.add("LeakyRelu", inputs, name: name, attributes: [.float("alpha", slope)])
        case .gelu: return gelu(node, inputs[0])
        case .tanh: return builder.add("Tanh", inputs, name: name)
        case .sigmoid: return builder.add("Sigmoid", inputs, name: name)
        case .softmax: return builder.add("Softmax", inputs, name: name, attributes: [.int("axis", 1)])
        case .maxPooling2d(let window, let strides, let padding):
            return pooling("MaxPool", node, inputs[0], window, strides ?? window, padding)
        case .averagePooling2d(let window, let strides, let padding):
            return pooling("AveragePool", node, inputs[0], window, strides ?? window, padding)
        case .globalAveragePooling2d:
            let mean = step("GlobalAveragePool", inputs, "\(name)/mean")
            return builder.add("Flatten", [mean], name: name, attributes: [.int("axis", 1)])
        case .dropout: return inputs[0]
        case .flatten: return flatten(node, inputs[0])
        case .add: return builder.add(inputs.count == 2 ? "Add" : "Sum", inputs, name: name)
        case .concatenate: return builder.add("Concat", inputs, name: name, attributes: [.int("axis", 1)])
        }
    }

    private mutating func convolution(_ node: ResolvedGraph.Node, _ input: String) -> String {
        guard case .conv2d(_, let kernel, let strides, let padding, let dilation, _, _, _) = node.layer else {
            return input
        }
        let span = Size2D(dilation.height * (kernel.height - 1) + 1, dilation.width * (kernel.width - 1) + 1)
        let window = ONNXWindow(node, span: span, strides: strides, padding: padding)
        return builder.add(
            "Conv", [cropped(input, window, node.name)] + node.parameters.map { parameter($0) }, name: node.name,
            attributes: [
                .ints("dilations", [dilation.height, dilation.width]),
                .ints("kernel_shape", [kernel.height, kernel.width]), .ints("pads", window.pads),
                .ints("strides", [strides.height, strides.width]),
            ])
    }

    /// Averages count only what lies inside the image, as this project's do.
    private mutating func pooling(
        _ operation: String, _ node: ResolvedGraph.Node, _ input: String, _ size: Size2D, _ strides: Size2D,
        _ padding: Padding
    ) -> String {
        let window = ONNXWindow(node, span: size, strides: strides, padding: padding)
        return builder.add(
            operation, [cropped(input, window, node.name)], name: node.name,
            attributes: [
                .ints("kernel_shape", [size.height, size.width]), .ints("pads", window.pads),
                .ints("strides", [strides.height, strides.width]),
            ])
    }

    private mutating func cropped(_ input: String, _ window: ONNXWindow, _ name: String) -> String {
        guard let crop = window.crop else { return input }
        let pads = builder.integers([0, 0, crop[0], crop[1], 0, 0, crop[2], crop[3]], name: "\(name)/crop")
        return step("Pad", [input, pads], "\(name)/cropped")
    }

    /// `x·(1 + erf(x/√2))·½`: an operator of its own only from operator set 20.
    private mutating func gelu(_ node: ResolvedGraph.Node, _ input: String) -> String {
        let name = node.name
        let root = builder.floats([Float(2).squareRoot()], shape: [], name: "\(name)/sqrt2")
        let one = builder.floats([1], shape: [], name: "\(name)/one")
        let half = builder.floats([0.5], shape: [], name: "\(name)/half")
        let scaled = step("Div", [input, root], "\(name)/scaled")
        let erf = step("Erf", [scaled], "\(name)/erf")
        let shifted = step("Add", [erf, one], "\(name)/shifted")
        let product = step("Mul", [input, shifted], "\(name)/product")
        return builder.add("Mul", [product, half], name: name)
    }

    /// The dense weights were trained on rows, columns, channels in that order; a vector is one already.
    private mutating func flatten(_ node: ResolvedGraph.Node, _ input: String) -> String {
        let shape = node.inputShapes[0]
        guard shape.isImage else { return input }
        let isOrdered = shape.channels == 1 || shape.height * shape.width == 1
        let rows = isOrdered ? input : step("Transpose", [input], "\(node.name)/nhwc", [.ints("perm", [0, 2, 3, 1])])
        return builder.add("Flatten", [rows], name: node.name, attributes: [.int("axis", 1)])
    }

    private mutating func parameter(_ tensor: ParameterTensor) -> String {
        let values = tensor.range.map { model.parameters[$0] }
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
