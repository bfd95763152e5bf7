import Tensors

extension ResolvedGraph {
    /// The node whose output the last layer with a kernel reads: the features on which the network's decision is based.
    /// `nil` if that layer reads the network's input.
    package var penultimateNode: Int? {
        // Walk back from the output over layers without a kernel.
        var node = nodes.count - 1
        while !nodes[node].layer.traits.hasKernel {
            guard let source = nodes[node].inputs.first, source >= 0 else { return nil }
            node = source
        }
        let source = nodes[node].inputs[0]
        return source < 0 ? nil : source
    }

    /// Returns the part of the graph that computes node `node`, which becomes its output. Parameters and state keep
    /// their offsets in the whole graph's flat buffers, so that the same buffers load into both. For inference only:
    /// the last node need not be a vector of classes.
    package func truncated(at node: Int) -> ResolvedGraph {
        precondition(nodes.indices.contains(node), "truncated: node \(node) is not in 0..<\(nodes.count)")
        var needed = Set([node])
        for index in (0...node).reversed() where needed.contains(index) { needed.formUnion(nodes[index].inputs) }
        let kept = nodes.indices.filter { needed.contains($0) }
        var places = [-1: -1]
        for (place, index) in kept.enumerated() { places[index] = place }
        let part = Graph(
            inputShape: graph.inputShape, initializer: graph.initializer, lowering: graph.lowering,
            nodes: kept.map { graph.nodes[$0] })
        return ResolvedGraph(
            part: part,
            nodes: kept.map { index in
                let node = nodes[index]
                var copy = Node(
                    name: node.name, layer: node.layer, inputs: node.inputs.compactMap { places[$0] },
                    inputShapes: node.inputShapes, outputShape: node.outputShape, parameters: node.parameters,
                    state: node.state, multiplyAdds: node.multiplyAdds, geometry: node.geometry,
                    loweringPlan: node.loweringPlan)
                copy.quantization = node.quantization
                return copy
            }, of: self)
    }
}
