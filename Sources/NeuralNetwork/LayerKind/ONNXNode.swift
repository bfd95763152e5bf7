import Tensors

/// An operator of ONNX with its inputs and attributes, as plain values: what a layer says of itself to those who write
/// such files.
public struct ONNXNode: Sendable {
    /// What an operator reads.
    public enum Value: Sendable {
        /// The layer's input of this number.
        case input(Int)
        /// A tensor of the layer's parameters or of its state.
        case parameter(ParameterTensor), state(ParameterTensor)
        /// A constant of one float (ONNX's shape `[]`). The name follows the layer's.
        case float(Float, name: String)
        /// A list of integers.
        case integers([Int], name: String)
        /// The output of the layer's own node of this number.
        case node(Int)
    }

    /// What an operator is told beside its inputs.
    public enum Attribute: Sendable {
        /// An integer.
        case int(Int)
        /// A number.
        case float(Float)
        /// Integers.
        case ints([Int])
    }

    /// ONNX's name of the operator: `Conv`.
    public let operation: String
    /// What it reads, in this order.
    public let inputs: [Value]
    /// In this order.
    public let attributes: [(name: String, value: Attribute)]
    /// What follows the layer's name in the name of the output; nil: nothing, it is the layer's output.
    public let suffix: String?

    /// `operation` of `inputs`; without a suffix its output is the layer's.
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
    /// All parameters, as a layer's operators read them.
    var onnxParameters: [ONNXNode.Value] { parameters.map { .parameter($0) } }

    /// A window's operator, behind a `Pad` where rows or columns of the input are taken away first.
    ///
    /// - Parameter attributes: those beside `pads` and `strides`, which `kernel_shape` ends.
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
