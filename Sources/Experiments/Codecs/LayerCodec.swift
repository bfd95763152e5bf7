import Formats
import NeuralNetwork
import Tensors

/// The keys that every layer has.
struct LayerPlace: Hashable, Sendable {
    /// Nil: a name is made from the type and a number.
    var name: String?
    /// Nil: the layer before.
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

    /// What a layer of one input takes.
    private static var single: [Field<LayerPlace>] {
        let inputs = Codec<[String]>.array(
            .text(limit: 64), count: 1...1, expected: "[name], the one layer that is read")
        return [name, .optional("inputs", \.inputs, inputs, isLeftOut: true, "The layer read; else the one before.")]
    }

    /// What layers of this kind take.
    static func keys(of kind: any LayerKind.Type) -> [Field<LayerPlace>] {
        kind.inputCount == 1...1 ? single : several
    }

    /// What a layer that joins several inputs takes.
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
