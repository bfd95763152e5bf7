import Kernels
import Tensors

/// A graph whose shapes are all inferred and checked, from which plans are compiled.
public struct ResolvedGraph: Sendable {
    /// A resolved layer.
    public struct Node: Sendable {
        /// The name of the layer.
        public let name: String
        /// The layer with its options.
        public fileprivate(set) var layer: Layer
        /// The indices of the nodes it reads; −1 is the network's input.
        public let inputs: [Int]
        /// The output shape of each node it reads.
        public let inputShapes: [Shape]
        /// The shape of its output.
        public let outputShape: Shape
        /// Its tensors in the flat parameter buffer.
        public let parameters: [ParameterTensor]
        /// Its tensors in the flat state buffer (batch-norm's running mean and variance).
        public let state: [ParameterTensor]
        /// The number of multiply-adds per sample in the forward pass.
        package let multiplyAdds: Int
        let geometry: NodeGeometry?
        /// How its products are computed; `nil` for layers without products.
        fileprivate(set) var loweringPlan: NodeLowering?
        /// Whether training leaves the layer unchanged: its weights are fixed, and a normalisation uses its running
        /// statistics.
        package fileprivate(set) var isFrozen = false
        /// The quantization of a layer that multiplies bytes at inference.
        package internal(set) var quantization: LayerQuantization?

        /// A description of a convolution's or dense layer's lowering.
        package var lowering: String {
            if quantization != nil { return "int8" }
            switch loweringPlan {
            case .convolution(let lowering):
                // The network's input needs no gradient.
                let shown: [LoweringTask.Direction] =
                    inputs == [-1] ? [.weightGradient] : [.inputGradient, .weightGradient]
                let others = shown.filter { lowering[$0] != lowering.forward }
                let names: [LoweringTask.Direction: String] = [
                    .inputGradient: "input gradient", .weightGradient: "weight gradient",
                ]
                if case .convolution(let g)? = geometry, g.isPointwise {
                    return "GEMM, tiles of \(lowering.forward.rows) rows"
                }
                return ([lowering.forward.description] + others.map { "\(names[$0] ?? "") \(lowering[$0])" })
                    .joined(separator: "; ")
            case .dense(let lowering): return lowering.description
            case nil: return ""
            }
        }
    }

    /// How a layer's products are computed.
    package enum NodeLowering: Sendable, Hashable {
        case convolution(ConvolutionLowering)
        case dense(DenseLowering)
    }

    /// The geometry that kernels need.
    enum NodeGeometry: Sendable {
        case convolution(ConvolutionGeometry)
        case pooling(PoolingGeometry)
    }

    package private(set) var graph: Graph
    package private(set) var nodes: [Node]
    /// The number of floats in the flat parameter buffer.
    package let parameterCount: Int
    /// Whether this is a part of a network: its last layer is not the network's.
    let isPart: Bool
    /// The number of floats in the flat state buffer.
    package let stateCount: Int

    package var inputShape: Shape { graph.inputShape }
    package var parameters: [ParameterTensor] { nodes.flatMap(\.parameters) }
    package var state: [ParameterTensor] { nodes.flatMap(\.state) }
    /// The number of multiply-adds per sample in the forward pass.
    package var multiplyAdds: Int { nodes.reduce(0) { $0 + $1.multiplyAdds } }
    /// The number of values of one image: its pixels and the outputs of all nodes.
    package var valueCount: Int { nodes.reduce(inputShape.count) { $0 + $1.outputShape.count } }
    /// The number of classes that the network distinguishes: the channels of its output.
    package var classCount: Int { nodes[nodes.count - 1].outputShape.channels }
    /// Whether the output is `[1, T, K]`, a row of logits for each column of a line of text, rather than a vector.
    package var readsLines: Bool { nodes[nodes.count - 1].outputShape.isImage }
    /// The number of classes in the data, which do not include the blank of a line network.
    package var characterCount: Int { readsLines ? classCount - 1 : classCount }
    /// The number of output columns: T for a line, 1 for a vector.
    package var outputColumns: Int { nodes[nodes.count - 1].outputShape.width }
    /// Whether the graph ends in a softmax layer; the loss and the predictions apply softmax either way.
    package var endsInSoftmax: Bool { nodes[nodes.count - 1].layer.traits.isSoftmax }

    /// Creates a part of the resolved graph `whole` that keeps its offsets in the flat buffers.
    init(part graph: Graph, nodes: [Node], of whole: ResolvedGraph) {
        self.graph = graph
        self.nodes = nodes
        isPart = true
        parameterCount = whole.parameterCount
        stateCount = whole.stateCount
    }

    /// Infers and checks every shape.
    /// - Throws: An ``InputError`` that names the layer (`model.layers[3] (dense_1)`), what it needs and what it got.
    package init(_ graph: Graph) throws(InputError) {
        guard !graph.nodes.isEmpty else {
            throw InputError("model.layers", expected: "at least one layer", received: "an empty list")
        }
        guard !graph.needsData else {
            throw InputError(
                "model", expected: "an input shape and units in numbers", received: "ones that follow the data",
                remedy: "load the data first: Experiment.completed")
        }
        var indices = [Graph.inputName: -1]
        var resolved: [Node] = []
        var parameterCount = 0, stateCount = 0
        for (index, node) in graph.nodes.enumerated() {
            let place = "model.layers[\(index)] (\(node.name))"
            guard indices[node.name] == nil else {
                throw InputError(
                    "model.layers[\(index)].name", expected: "a name of its own", received: "\"\(node.name)\" again")
            }
            var inputs: [Int] = []
            for name in node.inputs {
                guard let source = indices[name] else {
                    throw InputError(
                        "model.layers[\(index)].inputs",
                        expected: "names of earlier layers (\(indices.keys.sorted().joined(separator: ", ")))",
                        received: "\"\(name)\"")
                }
                inputs.append(source)
            }
            let shapes = inputs.map { $0 < 0 ? graph.inputShape : resolved[$0].outputShape }
            var builder = NodeBuilder(
                name: node.name, place: place, inputShapes: shapes, parameterOffset: parameterCount,
                stateOffset: stateCount, modelLowering: graph.lowering)
            try builder.requireInputs(of: node.layer.kind)
            try node.layer.kind.infer(&builder)
            var names: Set<String> = []
            for tensor in builder.parameters + builder.state where !names.insert(tensor.name).inserted {
                throw InputError(place, expected: "a name for each parameter", received: "\(tensor.name) twice")
            }
            resolved.append(
                Node(
                    name: node.name, layer: node.layer, inputs: inputs, inputShapes: shapes,
                    outputShape: builder.outputShape, parameters: builder.parameters, state: builder.state,
                    multiplyAdds: builder.multiplyAdds, geometry: builder.geometry,
                    loweringPlan: builder.lowering))
            parameterCount = builder.parameterOffset
            stateCount = builder.stateOffset
            indices[node.name] = index
        }
        let last = resolved[resolved.count - 1]
        guard last.outputShape.isImage || last.outputShape.dimensions.count == 1, last.outputShape.height == 1,
            last.outputShape.channels >= 2
        else {
            throw InputError(
                "model.layers[\(resolved.count - 1)] (\(last.name))",
                expected: "a last layer that gives a vector of at least 2 classes, or of lines a row of columns, 1×T×K",
                received: "\(last.outputShape)",
                remedy: "end with flatten or globalAveragePooling2d and a dense layer")
        }
        let read = Set(resolved.flatMap(\.inputs))
        for (index, node) in resolved.dropLast().enumerated() where !read.contains(index) {
            throw InputError(
                "model.layers[\(index)] (\(node.name))", expected: "a layer whose output is used",
                received: "one that no later layer reads", remedy: "name it in another layer's inputs or remove it")
        }
        self.graph = graph
        self.nodes = resolved
        isPart = false
        self.parameterCount = parameterCount
        self.stateCount = stateCount
    }

    /// Returns the graph with exactly the nodes of these indices frozen: see ``Node/isFrozen``.
    package func freezing(_ frozen: Set<Int>) -> ResolvedGraph {
        var result = self
        for index in nodes.indices { result.nodes[index].isFrozen = frozen.contains(index) }
        return result
    }

    /// Returns the graph in which exactly the nodes of these indices multiply bytes at inference. Training still uses
    /// floats.
    /// - Precondition: Each of them ``canQuantize(_:)``, with as many scales as it has outputs.
    package func quantizing(_ layers: [Int: LayerQuantization]) -> ResolvedGraph {
        for (index, layer) in layers {
            precondition(canQuantize(index), "\(nodes[index].name) cannot multiply bytes")
            precondition(layer.weightScales.count == nodes[index].outputShape.channels, "a scale for each output")
            precondition(
                ([layer.input.scale] + layer.weightScales).allSatisfy { ByteScale.legal.contains($0) },
                "scales out of range")
        }
        var result = self
        for index in nodes.indices { result.nodes[index].quantization = layers[index] }
        return result
    }

    /// Returns the graph with these layers, which differ from its own in their lowerings only.
    func settling(_ layers: [Layer]) -> ResolvedGraph {
        precondition(layers.count == nodes.count, "a layer for each node")
        var result = self
        for (index, layer) in layers.enumerated() {
            result.graph.nodes[index].layer = layer
            result.nodes[index].layer = layer
            if let settled = (layer.kind as? any LoweredLayer)?.settledLowering {
                result.nodes[index].loweringPlan = settled
            }
        }
        return result
    }
}
