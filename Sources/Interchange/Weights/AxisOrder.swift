import NeuralNetwork
import Tensors

/// A permutation of a tensor's elements: element `i` of the other library's tensor is element `index[i]` of this
/// project's.
struct AxisOrder {
    /// The shape of the other tensor.
    let shape: [Int]
    let index: [Int]

    /// Returns the permutation from `[kH, kW, in, out]` to `[out, in, kH, kW]`.
    static func filters(_ shape: [Int]) -> AxisOrder {
        let (kernelHeight, kernelWidth, inputs, outputs) = (shape[0], shape[1], shape[2], shape[3])
        var index: [Int] = []
        index.reserveCapacity(shape.reduce(1, *))
        for o in 0..<outputs {
            for i in 0..<inputs {
                for position in 0..<kernelHeight * kernelWidth {
                    index.append((position * inputs + i) * outputs + o)
                }
            }
        }
        return AxisOrder(shape: [outputs, inputs, kernelHeight, kernelWidth], index: index)
    }

    /// Returns the permutation from `[in, out]` to `[out, in]`, with the inputs in the order `features` (nil:
    /// unchanged).
    static func matrix(_ shape: [Int], features: [Int]?) -> AxisOrder {
        let (inputs, outputs) = (shape[0], shape[1])
        var index: [Int] = []
        index.reserveCapacity(inputs * outputs)
        for o in 0..<outputs {
            for i in 0..<inputs { index.append((features?[i] ?? i) * outputs + o) }
        }
        return AxisOrder(shape: [outputs, inputs], index: index)
    }

    /// Returns the permutation from flattened `[H, W, C]` to flattened `[C, H, W]`; nil if both are the same.
    static func features(_ image: Shape) -> [Int]? {
        let positions = image.height * image.width, channels = image.channels
        guard image.isImage, positions > 1, channels > 1 else { return nil }
        return (0..<image.count).map { ($0 % positions) * channels + $0 / positions }
    }
}

/// The order of the features of every vector in a network in PyTorch's layout. The features of a flattened image are
/// channel by channel there and pixel by pixel here, and every layer that reads them has its weights in that order.
struct FeatureOrder {
    /// The orders by node; nil if the order is the same or the output is an image.
    let orders: [[Int]?]

    /// - Throws: an ``InputError`` if vectors of different orders are added, or the class scores themselves are a
    ///   flattened image: PyTorch has no such network.
    init(_ graph: ResolvedGraph) throws(InputError) {
        var orders: [[Int]?] = []
        for (number, node) in graph.nodes.enumerated() {
            let inputs = node.inputs.map { $0 < 0 ? nil : orders[$0] }
            switch node.layer.kind.featureOrder {
            case .ofInput: orders.append(inputs[0])
            case .ofFlattenedImage: orders.append(inputs[0] ?? AxisOrder.features(node.inputShapes[0]))
            case .own: orders.append(nil)
            case .joined where node.outputShape.isImage: orders.append(nil)
            case .joined: orders.append(Self.joined(inputs, node.inputShapes.map(\.count)))
            case .ofEachInput:
                guard inputs.allSatisfy({ $0 == inputs[0] }) else {
                    throw Self.error(
                        number, node, "inputs whose features are in one order", "a flattened image and others")
                }
                orders.append(inputs[0])
            }
        }
        let last = graph.nodes.count - 1
        guard orders[last] == nil else {
            throw Self.error(last, graph.nodes[last], "classes that a dense layer gives", "a flattened image")
        }
        self.orders = orders
    }

    private static func joined(_ orders: [[Int]?], _ counts: [Int]) -> [Int]? {
        guard orders.contains(where: { $0 != nil }) else { return nil }
        var index: [Int] = []
        for (order, count) in zip(orders, counts) {
            let start = index.count
            index += (0..<count).map { start + (order?[$0] ?? $0) }
        }
        return index
    }

    private static func error(
        _ number: Int, _ node: ResolvedGraph.Node, _ expected: String, _ received: String
    ) -> InputError {
        InputError(
            "model.layers[\(number)] (\(node.name))", expected: expected + ", for PyTorch's layout", received: received,
            remedy: "use --layout keras")
    }
}
