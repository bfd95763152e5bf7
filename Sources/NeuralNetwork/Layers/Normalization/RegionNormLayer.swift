import Kernels
import Tensors

/// A layer that normalises regions of each image by their own moments, in training and at inference alike, with γ and β
/// for each channel.
package protocol RegionNormLayer: LayerKind {
    var epsilon: Float { get }
    /// Returns the regions of an image of `rows` pixels and `channels` channels.
    func regions(rows: Int, channels: Int) -> [(rows: Range<Int>, channels: Range<Int>)]
}

extension RegionNormLayer {
    package func operation(_ emission: LayerEmission) -> (any Operation)? { RegionNormOperation(emission, self) }

    /// Sets the node's output shape to the input's, and adds γ and β.
    func inferNorm(_ node: inout NodeBuilder) throws(InputError) {
        guard epsilon > 0, epsilon.isFinite else {
            throw InputError(node.place, expected: "a finite epsilon above 0", received: "\(epsilon)")
        }
        node.outputShape = node.inputShapes[0]
        try node.addParameter("gamma", [node.outputShape.channels], .scale)
        try node.addParameter("beta", [node.outputShape.channels], .shift)
    }

    /// Returns the operators that normalise `input` over `axes`, then apply γ and β as tensors of `shape`; operator set
    /// 13 has no single operator for it.
    ///
    /// - Parameters:
    ///   - first: Operators that precede these.
    ///   - restored: The shape to restore before γ and β, or `nil` to keep the shape.
    func onnxNorm(
        _ node: ResolvedGraph.Node, _ first: [ONNXNode], input: ONNXNode.Value, axes: [Int], restored: [Int]?,
        shape: [Int]
    ) -> [ONNXNode] {
        var nodes = first
        func add(
            _ operation: String, _ inputs: [ONNXNode.Value], _ suffix: String?,
            _ attributes: [(name: String, value: ONNXNode.Attribute)] = []
        ) -> ONNXNode.Value {
            nodes.append(ONNXNode(operation, inputs, suffix: suffix, attributes: attributes))
            return .node(nodes.count - 1)
        }
        let over: [(name: String, value: ONNXNode.Attribute)] = [("axes", .ints(axes)), ("keepdims", .int(1))]
        let mean = add("ReduceMean", [input], "mean", over)
        let centred = add("Sub", [input, mean], "centred")
        let squares = add("Mul", [centred, centred], "squares")
        let variance = add("ReduceMean", [squares], "variance", over)
        let raised = add("Add", [variance, .float(epsilon, name: "epsilon")], "raised")
        let deviation = add("Sqrt", [raised], "deviation")
        var normal = add("Div", [centred, deviation], "normal")
        if let restored { normal = add("Reshape", [normal, .integers(restored, name: "restored")], "image") }
        let place = ONNXNode.Value.integers(shape, name: "channels")
        let gamma = add("Reshape", [.parameter(node.parameters[0]), place], "gamma_shaped")
        let beta = add("Reshape", [.parameter(node.parameters[1]), place], "beta_shaped")
        let scaled = add("Mul", [normal, gamma], "scaled")
        _ = add("Add", [scaled, beta], nil)
        return nodes
    }
}

final class RegionNormOperation<Kind: RegionNormLayer>: Operation {
    let name: String
    private let epsilon: Float
    private let columns: Int
    private let regions: [(rows: Range<Int>, channels: Range<Int>)]
    private let input, output: Storage
    private let outputGradient, inputGradient: Storage?
    private let store: ParameterStore
    private let gamma, beta: ParameterTensor
    private let learns: Bool
    private var parameterSums: ShardSums?

    init(_ emission: LayerEmission, _ kind: Kind) {
        let shape = emission.node.outputShape
        name = emission.node.name
        epsilon = kind.epsilon
        columns = shape.channels
        regions = kind.regions(rows: shape.rows, channels: shape.channels)
        input = emission.input
        output = emission.output
        outputGradient = emission.outputGradient
        inputGradient = emission.inputGradient
        store = emission.store
        (gamma, beta) = (emission.node.parameters[0], emission.node.parameters[1])
        learns = emission.learns
    }

    func reads(_ pass: Pass) -> [Storage] { pass == .forward ? [input] : [input, outputGradient].compactMap { $0 } }
    func writes(_ pass: Pass) -> [Storage] { pass == .forward ? [output] : [inputGradient].compactMap { $0 } }

    func prepare(capacity: Int, shards: Int, workers: Int) {
        if learns { parameterSums = ShardSums(count: 2 * columns, shards: shards) }
    }

    func run(_ pass: Pass, _ chunk: borrowing Chunk) {
        let scale = store.parameter(gamma), shift = store.parameter(beta)
        if pass == .backward, chunk.isFirst { parameterSums?.clear(chunk.shard) }
        for image in chunk.images {
            let x = input.pointer(image, chunk)
            for (rows, channels) in regions {
                if pass == .forward {
                    RegionNormKernels.forward(
                        x, columns: columns, rows: rows, channels: channels, epsilon: epsilon, gamma: scale,
                        beta: shift, y: output.pointer(image, chunk))
                } else if let outputGradient {
                    RegionNormKernels.backward(
                        dy: outputGradient.pointer(image, chunk), x: x, columns: columns, rows: rows,
                        channels: channels, epsilon: epsilon, gamma: scale, sums: parameterSums?.pointer(chunk.shard),
                        dx: inputGradient?.pointer(image, chunk))
                }
            }
        }
    }

    func sums(_ pass: Pass) -> [ShardSums] { pass == .backward ? [parameterSums].compactMap { $0 } : [] }

    func reduce(_ pass: Pass, _ run: Run) {
        guard pass == .backward, let parameterSums else { return }
        let scale = store.gradient(gamma), shift = store.gradient(beta)
        for c in 0..<columns {
            scale[c] = Float(parameterSums.total(c, shards: run.shards))
            shift[c] = Float(parameterSums.total(columns + c, shards: run.shards))
        }
    }
}
