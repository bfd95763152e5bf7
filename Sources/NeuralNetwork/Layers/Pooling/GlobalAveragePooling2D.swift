import Formats
import Kernels
import Tensors

extension Layer {
    /// The mean of each channel, `[H, W, C]` to `[C]`.
    public static var globalAveragePooling2d: Layer { Layer(GlobalAveragePooling2D()) }
}

/// ``Layer/globalAveragePooling2d``: average pooling with a window of the image's size.
package struct GlobalAveragePooling2D: LayerKind {
    package static let type = "globalAveragePooling2d"
    package static var options: Section<GlobalAveragePooling2D> {
        Section(initial: GlobalAveragePooling2D(), fields: [])
    }

    package var featureOrder: FeatureOrderRule { .own }

    package func infer(_ node: inout NodeBuilder) throws(InputError) { try node.poolWholeImage() }

    package func operation(_ emission: LayerEmission) -> (any Operation)? { emission.pooling(.average) }

    package func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] {
        [
            ONNXNode("GlobalAveragePool", suffix: "mean"),
            ONNXNode("Flatten", [.node(0)], attributes: [("axis", .int(1))]),
        ]
    }
}
