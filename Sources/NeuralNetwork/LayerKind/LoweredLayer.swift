/// A layer whose products can be made in several ways, between which timing decides.
package protocol LoweredLayer: LayerKind {
    /// How they are made, once that is settled; nil: open. Where it is set to nil, only what was settled is forgotten.
    var settledLowering: ResolvedGraph.NodeLowering? { get set }
    /// The kinds that are tried while it is open; nil: the model's where the layer can be lowered so, else all.
    var loweringKinds: [Lowering.Kind]? { get }
}

extension LoweredLayer {
    /// The same, open again where it was settled.
    fileprivate func unsettled() -> Layer {
        var result = self
        result.settledLowering = nil
        return Layer(result)
    }

    /// The same, settled.
    func settled(_ lowering: ResolvedGraph.NodeLowering) -> Layer {
        var result = self
        result.settledLowering = lowering
        return Layer(result)
    }
}

extension Graph {
    /// The same with every lowering open that timing has settled: for another machine, or other numbers of units.
    package var unsettled: Graph {
        var result = self
        for index in nodes.indices {
            if let layer = nodes[index].layer.kind as? any LoweredLayer {
                result.nodes[index].layer = layer.unsettled()
            }
        }
        return result
    }
}
