import Formats
import Kernels
import Tensors

extension Layer {
    /// The maximum of each channel, `[H, W, C]` to `[C]`.
    public static var globalMaxPooling2d: Layer { Layer(GlobalMaxPooling2D()) }
}

/// ``Layer/globalMaxPooling2d``: max pooling with a window of the image's size; the gradient goes to the first maximum.
package struct GlobalMaxPooling2D: LayerKind {
    package static let type = "globalMaxPooling2d"
    package static var options: Section<GlobalMaxPooling2D> { Section(initial: GlobalMaxPooling2D(), fields: []) }

    package var featureOrder: FeatureOrderRule { .own }

    package func infer(_ node: inout NodeBuilder) throws(InputError) { try node.poolWholeImage() }

    package func operation(_ emission: LayerEmission) -> (any Operation)? { emission.pooling(.maximum) }

    package func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] {
        [
            ONNXNode("GlobalMaxPool", suffix: "largest"),
            ONNXNode("Flatten", [.node(0)], attributes: [("axis", .int(1))]),
        ]
    }
}
