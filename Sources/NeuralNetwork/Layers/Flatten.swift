import Formats
import Tensors

extension Layer {
    /// Flattens `[H, W, C]` to a vector `[H·W·C]`, rows first, channels last.
    public static var flatten: Layer { Layer(Flatten()) }
}

/// ``Layer/flatten``.
package struct Flatten: LayerKind {
    package static let type = "flatten"
    package static var options: Section<Flatten> { Section(initial: Flatten(), fields: []) }

    package var traits: LayerTraits { LayerTraits(isView: true) }
    package var featureOrder: FeatureOrderRule { .ofFlattenedImage }

    package func infer(_ node: inout NodeBuilder) throws(InputError) {
        node.outputShape = Shape([node.inputShapes[0].count])
    }

    package func operation(_ emission: LayerEmission) -> (any Operation)? { nil }

    /// Transposes first, since the weights that follow expect rows, columns, channels in that order; a vector is flat
    /// already.
    package func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] {
        let shape = node.inputShapes[0]
        guard shape.isImage else { return [] }
        let flatten = { (input: ONNXNode.Value) in ONNXNode("Flatten", [input], attributes: [("axis", .int(1))]) }
        if shape.channels == 1 || shape.height * shape.width == 1 { return [flatten(.input(0))] }
        return [ONNXNode("Transpose", suffix: "nhwc", attributes: [("perm", .ints([0, 2, 3, 1]))]), flatten(.node(0))]
    }
}
