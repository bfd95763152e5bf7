import Formats
import Tensors

extension Layer {
    /// `y = x·W + b`, from a vector `[C]` to `[units]`: C·units parameters and multiply-adds, and `units` more
    /// parameters with `useBias`. If `lowering` is `nil`, it is chosen by timing. In the last dense layer, `units` may
    /// be left to the data (``Graph/unitsOfClasses``).
    public static func dense(
        units: Int, useBias: Bool = true, initializer: Initializer? = nil, lowering: DenseLowering? = nil
    ) -> Layer {
        Layer(Dense(units: units, useBias: useBias, initializer: initializer, lowering: lowering))
    }
}

/// ``Layer/dense(units:useBias:initializer:lowering:)``. Computed by ``DenseOperation`` or ``BlockedDenseOperation``.
package struct Dense: LayerKind {
    package var units = Graph.unitsOfClasses
    package var useBias = true
    package var initializer: Initializer?
    package var lowering: DenseLowering?

    package static let type = "dense"
    package static var options: Section<Dense> {
        Section(
            initial: Dense(),
            fields: [
                .key(
                    "units", \.units, .units,
                    "Outputs; classes: as many as the data have, which the last dense layer may say or leave out."),
                .useBias(\.useBias),
                .layerInitializer(\.initializer),
                .optional(
                    "lowering", \.lowering, .denseLowering, isLeftOut: true,
                    "How its work is shared out; null: by timing, when training begins."),
            ])
    }

    package var traits: LayerTraits { LayerTraits(hasKernel: true, multipliesBytes: true) }
    package var featureOrder: FeatureOrderRule { .own }

    package func infer(_ node: inout NodeBuilder) throws(InputError) {
        let features = try node.vector().count
        node.outputShape = try node.checked([units])
        try node.addParameter("kernel", [features, units], .weight)
        if useBias { try node.addParameter("bias", [units], .bias) }
        node.multiplyAdds = features * units
        node.lowering = .dense(lowering ?? .table(features: features, units: units))
    }

    package func operation(_ emission: LayerEmission) -> (any Operation)? {
        guard let weights = emission.weights else { return nil }
        if let bytes = emission.bytes {
            let whole = emission.striping?.whole
            let core = QuantizedDenseCore(
                emission, bytes, weights: weights,
                sharing: (whole as? QuantizedDense)?.core ?? (whole as? BlockedQuantizedDense)?.core)
            return core.isBlocked ? BlockedQuantizedDense(core) : QuantizedDense(core)
        }
        let core = DenseCore(emission, weights: weights)
        if case .dense(.weights(let features))? = emission.node.loweringPlan {
            return BlockedDenseOperation(core: core, blockFeatures: features)
        }
        return DenseOperation(core: core, partials: emission.partials)
    }

    package func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] {
        [ONNXNode("Gemm", [.input(0)] + node.onnxParameters)]
    }
}

extension Dense: LoweredLayer {
    package var settledLowering: ResolvedGraph.NodeLowering? {
        get { lowering.map { .dense($0) } }
        set { if case .dense(let settled)? = newValue { lowering = settled } else { lowering = nil } }
    }

    package var loweringKinds: [Lowering.Kind]? { nil }
}
