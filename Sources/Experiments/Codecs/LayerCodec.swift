import Formats
import NeuralNetwork
import Tensors

/// The keys common to all layers.
struct LayerPlace: Hashable, Sendable {
    /// The layer's name; nil to derive one from the type and a number.
    var name: String?
    /// The names of the layer's inputs; nil for the preceding layer.
    var inputs: [String]?

    private static var name: Field<LayerPlace> {
        let identifier = Codec<String>.identifier(limit: 64, others: "")
        let expected = identifier.expected + "; not \"\(Graph.inputName)\""
        let codec = Codec(
            expected: expected,
            schema: identifier.schema.merging(["not": ["const": .string(Graph.inputName)]]),
            decode: { json, path throws(InputError) -> String in
                let name = try identifier.decode(json, path)
                guard name != Graph.inputName else { throw path.error(expected, json) }
                return name
            },
            encode: identifier.encode)
        return .optional(
            "name", \.name, codec, isLeftOut: true, "Unique name, for 'inputs'; else type and number, as conv2d_1.")
    }

    /// The keys of a layer with a single input.
    private static var single: [Field<LayerPlace>] {
        let inputs = Codec<[String]>.array(
            .text(limit: 64), count: 1...1, expected: "[name], the one layer that is read")
        return [name, .optional("inputs", \.inputs, inputs, isLeftOut: true, "The layer read; else the one before.")]
    }

    /// Returns the keys of layers of this kind.
    static func keys(of kind: any LayerKind.Type) -> [Field<LayerPlace>] {
        kind.inputCount == 1...1 ? single : several
    }

    /// The keys of a layer that joins several inputs.
    private static var several: [Field<LayerPlace>] {
        let inputs = Codec<[String]>.array(
            .text(limit: 64), count: 2...64, expected: "2…64 names of earlier layers, or \"\(Graph.inputName)\"")
        let some = inputs.converted({ value, _, _ in [String]?(value) }, { $0 ?? [] })
        return [name, .key("inputs", \.inputs, some, isRequired: true, "The layers read.")]
    }
}

extension Codec where Value == Tagged<LayerPlace, Layer> {
    static var layer: Codec {
        .union(Layer.kinds.map { $0.variant(common: LayerPlace.keys(of: $0)) }, common: LayerPlace())
    }
}
