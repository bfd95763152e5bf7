/// A layer whose products can be computed in several ways, the fastest of which is chosen by timing.
package protocol LoweredLayer: LayerKind {
    /// The lowering, once settled; `nil` while open. Setting it to `nil` discards a settled lowering only.
    var settledLowering: ResolvedGraph.NodeLowering? { get set }
    /// The kinds to try while the lowering is open; `nil` for the model's if the layer supports it, else all.
    var loweringKinds: [Lowering.Kind]? { get }
}

extension LoweredLayer {
    /// Returns a copy whose lowering, if settled, is open again.
    fileprivate func unsettled() -> Layer {
        var result = self
        result.settledLowering = nil
        return Layer(result)
    }

    /// Returns a copy with this lowering.
    func settled(_ lowering: ResolvedGraph.NodeLowering) -> Layer {
        var result = self
        result.settledLowering = lowering
        return Layer(result)
    }
}

extension Graph {
    /// A copy in which every lowering settled by timing is open again: for another machine, or other numbers of units.
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
