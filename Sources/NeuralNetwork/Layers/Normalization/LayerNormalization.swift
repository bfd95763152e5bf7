import Formats
import Tensors

extension Layer {
    /// Normalisation over the channels: of all numbers of a vector, or of each pixel of an image, followed by
    /// `γ·x̂ + β` for each channel. Has 2·C parameters. The same in training and at inference. Ba, Kiros, Hinton 2016,
    /// arXiv:1607.06450; as Keras's over the last axis.
    public static func layerNormalization(epsilon: Float = 1e-5) -> Layer {
        Layer(LayerNormalization(epsilon: epsilon))
    }
}

/// ``Layer/layerNormalization(epsilon:)``. Computed by ``RegionNormKernels``.
package struct LayerNormalization: RegionNormLayer {
    package var epsilon: Float = 1e-5

    package static let type = "layerNormalization"
    package static var options: Section<LayerNormalization> {
        Section(
            initial: LayerNormalization(),
            fields: [.key("epsilon", \.epsilon, .number(.above(0, 1)), "Added to the variance.")])
    }

    package func infer(_ node: inout NodeBuilder) throws(InputError) { try inferNorm(&node) }

    package func regions(rows: Int, channels: Int) -> [(rows: Range<Int>, channels: Range<Int>)] {
        (0..<rows).map { ($0..<$0 + 1, 0..<channels) }
    }

    package func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] {
        let shape = node.outputShape
        return onnxNorm(
            node, [], input: .input(0), axes: [1], restored: nil,
            shape: shape.isImage ? [1, shape.channels, 1, 1] : [1, shape.channels])
    }
}
