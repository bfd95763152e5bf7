import Formats
import Tensors

extension Layer {
    /// Normalisation of each image on its own: its C channels are split into `groups` of C/groups consecutive channels,
    /// each normalised by the mean and (biased) variance of all its pixels, followed by `γ·x̂ + β` for each channel.
    /// Has 2·C parameters. The same in training and at inference, for any batch. Wu and He 2018, arXiv:1803.08494.
    public static func groupNormalization(groups: Int, epsilon: Float = 1e-5) -> Layer {
        Layer(GroupNormalization(groups: groups, epsilon: epsilon))
    }
}

/// ``Layer/groupNormalization(groups:epsilon:)``. Computed by ``RegionNormKernels``.
package struct GroupNormalization: RegionNormLayer {
    package var groups = 1
    package var epsilon: Float = 1e-5

    package static let type = "groupNormalization"
    package static var options: Section<GroupNormalization> {
        Section(
            initial: GroupNormalization(),
            fields: [
                .key("groups", \.groups, .integer(1...65_536), isRequired: true, "Groups, a divisor of the channels."),
                .key("epsilon", \.epsilon, .number(.above(0, 1)), "Added to the variance."),
            ])
    }

    package var featureOrder: FeatureOrderRule { .own }

    package func infer(_ node: inout NodeBuilder) throws(InputError) {
        let channels = try node.image().channels
        guard groups >= 1, channels.isMultiple(of: groups) else {
            throw InputError(
                node.place, expected: "groups that divide the image's \(channels) channels",
                received: "\(groups) groups")
        }
        try inferNorm(&node)
    }

    package func regions(rows: Int, channels: Int) -> [(rows: Range<Int>, channels: Range<Int>)] {
        let width = channels / groups
        return (0..<groups).map { (0..<rows, $0 * width..<($0 + 1) * width) }
    }

    package func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] {
        let shape = node.outputShape
        let parted = ONNXNode("Reshape", [.input(0), .integers([0, groups, -1], name: "groups")], suffix: "groups")
        return onnxNorm(
            node, [parted], input: .node(0), axes: [2], restored: [0, shape.channels, shape.height, shape.width],
            shape: [1, shape.channels, 1, 1])
    }
}
