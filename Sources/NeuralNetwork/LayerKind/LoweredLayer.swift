/// A layer whose products can be made in several ways, between which timing decides.
package protocol LoweredLayer: LayerKind {
    /// How they are made, once that is settled; nil: open.
    var settledLowering: ResolvedGraph.NodeLowering? { get set }
    /// The kinds that are tried while it is open; nil: the model's where the layer can be lowered so, else all.
    var loweringKinds: [Lowering.Kind]? { get }
}

extension LoweredLayer {
    /// The same, settled.
    func settled(_ lowering: ResolvedGraph.NodeLowering) -> Layer {
        var result = self
        result.settledLowering = lowering
        return Layer(result)
    }
}
