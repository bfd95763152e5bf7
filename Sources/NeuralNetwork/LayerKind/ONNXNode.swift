import Tensors

/// An ONNX operator with its inputs and attributes as plain values, by which a layer describes itself to exporters.
public struct ONNXNode: Sendable {
    /// An input of an operator.
    public enum Value: Sendable {
        /// The layer's input with this index.
        case input(Int)
        /// A tensor of the layer's parameters or state.
        case parameter(ParameterTensor), state(ParameterTensor)
        /// A scalar float constant (ONNX's shape `[]`). The name is appended to the layer's.
        case float(Float, name: String)
        /// A constant list of integers.
        case integers([Int], name: String)
        /// The output of the layer's own node with this index.
        case node(Int)
    }

    /// An attribute of an operator.
    public enum Attribute: Sendable {
        /// An integer.
        case int(Int)
        /// A number.
        case float(Float)
        /// Integers.
        case ints([Int])
    }

    /// The ONNX operator type, such as `Conv`.
    public let operation: String
    /// The inputs, in this order.
    public let inputs: [Value]
    /// The attributes, in this order.
    public let attributes: [(name: String, value: Attribute)]
    /// The suffix of the output's name after the layer's; `nil` if the output is the layer's.
    public let suffix: String?

    /// Creates a node for `operation` on `inputs`; without a suffix, its output is the layer's.
    public init(
        _ operation: String, _ inputs: [Value] = [.input(0)], suffix: String? = nil,
        attributes: [(name: String, value: Attribute)] = []
    ) {
        self.operation = operation
        self.inputs = inputs
        self.suffix = suffix
        self.attributes = attributes
    }
}

extension ResolvedGraph.Node {
    /// All parameters, as inputs of operators.
    var onnxParameters: [ONNXNode.Value] { parameters.map { .parameter($0) } }

    /// Returns a windowed operator, preceded by a `Pad` if rows or columns of the input are cropped first.
    ///
    /// - Parameter attributes: The attributes besides `pads` and `strides`; `kernel_shape` is the last of them.
    func onnxWindow(
        _ operation: String, _ parameters: [ONNXNode.Value] = [],
        attributes: [(name: String, value: ONNXNode.Attribute)]
    ) -> [ONNXNode] {
        guard let geometry else { preconditionFailure("\(name) has no window") }
        let window = ONNXWindow(self, geometry), strides = geometry.window.strides
        var nodes: [ONNXNode] = []
        if let crop = window.crop {
            let pads = [0, 0, crop[0], crop[1], 0, 0, crop[2], crop[3]]
            nodes.append(ONNXNode("Pad", [.input(0), .integers(pads, name: "crop")], suffix: "cropped"))
        }
        let input = nodes.isEmpty ? ONNXNode.Value.input(0) : .node(0)
        nodes.append(
            ONNXNode(
                operation, [input] + parameters,
                attributes: attributes + [
                    ("pads", .ints(window.pads)), ("strides", .ints([strides.height, strides.width])),
                ]))
        return nodes
    }
}
