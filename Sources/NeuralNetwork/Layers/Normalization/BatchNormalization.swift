import Formats
import Tensors

extension Layer {
    /// Normalisation of each channel: `y = γ·(x − μ)/√(σ² + epsilon) + β`. Has 2·C parameters.
    ///
    /// In training, μ and σ² (biased) are those of the batch, over all rows of the channel, and the running ones are
    /// updated: `r ← (1 − momentum)·r + momentum·new`, with the unbiased variance. Inference uses the running ones.
    /// Ioffe and Szegedy 2015, arXiv:1502.03167.
    public static func batchNormalization(momentum: Float = 0.1, epsilon: Float = 1e-5) -> Layer {
        Layer(BatchNormalization(momentum: momentum, epsilon: epsilon))
    }
}

/// ``Layer/batchNormalization(momentum:epsilon:)``. Computed by ``BatchNormOperation``.
package struct BatchNormalization: LayerKind {
    package var momentum: Float = 0.1
    package var epsilon: Float = 1e-5

    package static let type = "batchNormalization"
    package static var options: Section<BatchNormalization> {
        Section(
            initial: BatchNormalization(),
            fields: [
                .key(
                    "momentum", \.momentum, .number(.above(0, 1)), "Weight of the new batch in the running statistics."),
                .key("epsilon", \.epsilon, .number(.above(0, 1)), "Added to the variance."),
            ])
    }

    package var traits: LayerTraits { LayerTraits(normalization: ChannelNormalization(epsilon: epsilon)) }

    package func infer(_ node: inout NodeBuilder) throws(InputError) {
        guard (0...1).contains(momentum), epsilon > 0, epsilon.isFinite else {
            throw InputError(
                node.place, expected: "a momentum from 0 to 1 and a finite epsilon above 0",
                received: "momentum \(momentum), epsilon \(epsilon)")
        }
        node.outputShape = node.inputShapes[0]
        let channels = node.outputShape.channels
        try node.addParameter("gamma", [channels], .scale)
        try node.addParameter("beta", [channels], .shift)
        node.addState("moving_mean", channels, .shift)
        node.addState("moving_variance", channels, .scale)
    }

    package func operation(_ emission: LayerEmission) -> (any Operation)? {
        BatchNormOperation(emission, momentum: momentum, epsilon: epsilon)
    }

    package func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] {
        let state = node.state.map { ONNXNode.Value.state($0) }
        return [
            ONNXNode(
                "BatchNormalization", [.input(0)] + node.onnxParameters + state,
                attributes: [("epsilon", .float(epsilon))])
        ]
    }
}
