import Tensors

/// A layer with an optional bias.
protocol BiasedLayer: LayerKind {
    var useBias: Bool { get set }
}

extension Conv2D: BiasedLayer {}
extension Dense: BiasedLayer {}

extension ResolvedGraph {
    /// Returns the network as it is at inference, without the batch-norms that are folded into the weights of
    /// convolutions and dense layers: see ``LayerWeights``. It computes the same bits.
    package func foldingNormalizations(
        parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>
    ) throws(InputError) -> (graph: ResolvedGraph, parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>) {
        let store = ParameterStore(parameters: parameters, state: state, withGradients: false)
        let compiler = GraphCompiler(graph: self, store: store, partials: nil)
        var folded = graph
        folded.nodes = []
        /// The node that now computes each node's output.
        var sources: [String: String] = [:]
        var values: [String: [Float]] = [:]
        for (index, node) in nodes.enumerated() {
            var copy = graph.nodes[index]
            copy.inputs = copy.inputs.map { sources[$0] ?? $0 }
            if node.layer.traits.normalization != nil, let source = node.inputs.first, source >= 0,
                compiler.foldedNorm(source) == index, nodes[source].layer.kind is any BiasedLayer
            {
                sources[node.name] = copy.inputs[0]
                continue
            }
            if let layer = node.layer.kind as? any BiasedLayer, compiler.foldedNorm(index) != nil {
                copy.layer = Self.biased(layer)
                let weights = compiler.weights(index).0
                weights.refresh()
                values["\(node.name)/kernel"] = (0..<weights.kernel.count).map { weights.w[$0] }
                values["\(node.name)/bias"] = weights.bias.map { bias in
                    (0..<node.outputShape.channels).map { bias[$0] }
                }
            }
            folded.nodes.append(copy)
        }
        let result = try ResolvedGraph(folded)
        func moved(_ tensors: [ParameterTensor], _ count: Int, _ old: [ParameterTensor], _ buffer: AlignedBuffer<Float>)
            -> AlignedBuffer<Float>
        {
            let places = Dictionary(uniqueKeysWithValues: old.map { ($0.name, $0.offset) })
            let target = AlignedBuffer<Float>(count: count)
            for tensor in tensors {
                for i in 0..<tensor.count {
                    target[tensor.offset + i] = values[tensor.name]?[i] ?? buffer[(places[tensor.name] ?? 0) + i]
                }
            }
            return target
        }
        return (
            result, moved(result.parameters, result.parameterCount, self.parameters, parameters),
            moved(result.state, result.stateCount, self.state, state)
        )
    }

    private static func biased(_ layer: any BiasedLayer) -> Layer {
        func make<Kind: BiasedLayer>(_ layer: Kind) -> Layer {
            var copy = layer
            copy.useBias = true
            return Layer(copy)
        }
        return make(layer)
    }
}
