import Formats
import NeuralNetwork
import Tensors

private struct ModelDraft: Sendable {
    /// The input shape; nil for that of the data.
    var inputShape: Shape? = Shape([28, 28, 1])
    var initializer = Initializer.heNormal
    var lowering: Lowering.Kind?
    var layers: [Tagged<LayerPlace, Layer>] = []
}

extension Codec where Value == Graph {
    /// The section `model`. Encoded with all names, and with `inputs` for layers that do not read the preceding one.
    static var model: Codec {
        let layers = Codec<[Tagged<LayerPlace, Layer>]>.array(
            .layer, count: 1...1024, expected: "an array of 1…1024 layers")
        let section = Section(
            initial: ModelDraft(),
            fields: [
                .key(
                    "inputShape", \.inputShape, .imageShapeOrAuto,
                    "Rows, columns and channels of an image; auto: those of the data, 28×28 of pictures that are prepared."
                ),
                .key("initializer", \.initializer, .initializer, "How the weights of every layer begin."),
                .key(
                    "lowering", \.lowering, .loweringKind,
                    "How convolutions become matrix products; auto: the fastest, by timing, when training begins. "
                        + "Layers that cannot be lowered so take auto."),
                .key("layers", \.layers, layers, isRequired: true, "The layers, each after those it reads."),
            ])
        return section.codec.converted(
            { draft, _, path throws(InputError) in
                let nodes = try resolve(draft.layers, path.key("layers"))
                var graph = Graph(
                    inputShape: draft.inputShape ?? Shape([28, 28, 1]), initializer: draft.initializer,
                    lowering: draft.lowering, nodes: nodes)
                graph.takesShapeOfData = draft.inputShape == nil
                return graph
            },
            { graph in
                ModelDraft(
                    inputShape: graph.takesShapeOfData ? nil : graph.inputShape, initializer: graph.initializer,
                    lowering: graph.lowering,
                    layers: places(of: graph.nodes))
            })
    }

    /// Resolves every layer's name and inputs.
    private static func resolve(
        _ layers: [Tagged<LayerPlace, Layer>], _ path: ConfigurationPath
    ) throws(InputError) -> [LayerNode] {
        var given: [String: Int] = [:]
        for (index, layer) in layers.enumerated() {
            guard let name = layer.common.name else { continue }
            if let first = given[name] {
                throw path.index(index).key("name").error(
                    "a name of its own", .string(name), remedy: "\(path.index(first).text) has it")
            }
            given[name] = index
        }
        let lastDense = layers.lastIndex { $0.value.as(Dense.self) != nil }
        for (index, layer) in layers.enumerated() where layer.value.unitsFollowClasses && index != lastDense {
            throw path.index(index).key("units").error(
                "an integer in 1…1048576", "classes", remedy: "only the last dense layer may have as many as classes")
        }
        let names = Graph.names(of: layers.map(\.value), given: layers.map(\.common.name))
        var nodes: [LayerNode] = []
        var known: Set<String> = [Graph.inputName]
        var previous = Graph.inputName
        for (index, layer) in layers.enumerated() {
            for (position, input) in (layer.common.inputs ?? []).enumerated() where !known.contains(input) {
                throw path.index(index).key("inputs").index(position).error(
                    "\"\(Graph.inputName)\" or the name of an earlier layer", .string(input),
                    remedy: Spelling.remedy(for: input, among: known.sorted()))
            }
            let node = LayerNode(
                name: names[index], inputs: layer.common.inputs ?? [previous], layer: layer.value)
            nodes.append(node)
            known.insert(node.name)
            previous = node.name
        }
        return nodes
    }

    private static func places(of nodes: [LayerNode]) -> [Tagged<LayerPlace, Layer>] {
        var previous = Graph.inputName
        var layers: [Tagged<LayerPlace, Layer>] = []
        for node in nodes {
            let inputs = node.inputs == [previous] ? nil : node.inputs
            layers.append(Tagged(common: LayerPlace(name: node.name, inputs: inputs), value: node.layer))
            previous = node.name
        }
        return layers
    }
}
