import Formats
import Tensors

extension Codec where Value == Lowering.Kind? {
    /// A codec for a kind for all layers, or `auto`.
    package static var loweringKind: Codec {
        .choice([("auto", nil)] + Lowering.Kind.allCases.map { ($0.rawValue, $0) })
    }
}

extension Codec where Value == Lowering {
    /// A codec for a lowering as a run stores it: `winograd4:7`.
    fileprivate static var lowering: Codec {
        .notation(
            "direct, or im2col:N, shifted:N, winograd2:N, winograd4:N or winogradLine:N, N an integer in 1…99999",
            pattern: "^(direct|(im2col|shifted|winograd2|winograd4|winogradLine):[1-9][0-9]{0,4})$",
            { Lowering(text: $0) }, { $0.text })
    }
}

extension Codec where Value == LoweringChoice {
    /// A codec for `auto`, a kind, or an object with a lowering for each direction.
    static var lowering: Codec {
        let word = Codec<Lowering.Kind?>.loweringKind
        let im2col = Lowering(.im2col)
        let directions = Section(
            initial: ConvolutionLowering(forward: im2col, inputGradient: im2col, weightGradient: im2col),
            fields: [
                .key("forward", \.forward, .lowering, isRequired: true, "Of the outputs."),
                .key("inputGradient", \.inputGradient, .lowering, isRequired: true, "Of the inputs' gradients."),
                .key("weightGradient", \.weightGradient, .lowering, isRequired: true, "Of the weights' gradients."),
            ]
        ).codec
        let expected = word.expected + "; or an object with 'forward', 'inputGradient' and 'weightGradient'"
        return Codec(
            expected: expected, schema: ["anyOf": .array([.object(word.schema), .object(directions.schema)])],
            decode: { json, path throws(InputError) in
                switch json {
                case .object: return .resolved(try directions.decode(json, path))
                case .string: return try word.decode(json, path).map { .kind($0) } ?? .auto
                default: throw path.error(expected, json)
                }
            },
            encode: { choice in
                switch choice {
                case .auto: word.encode(nil)
                case .kind(let kind): word.encode(kind)
                case .resolved(let lowering): directions.encode(lowering)
                }
            })
    }
}

extension Codec where Value == DenseLowering {
    static var denseLowering: Codec {
        .notation(
            "images, or weights:N, N an integer in 1…99999", pattern: "^(images|weights:[1-9][0-9]{0,4})$",
            { DenseLowering(text: $0) }, { $0.text })
    }
}

extension Codec {
    /// Returns a codec for a textual notation; `pattern` matches the same texts that `read` accepts.
    private static func notation(
        _ description: String, pattern: String, _ read: @escaping @Sendable (String) -> Value?,
        _ write: @escaping @Sendable (Value) -> String
    ) -> Codec {
        Codec(
            expected: description, schema: ["type": "string", "pattern": .string(pattern)],
            decode: { json, path throws(InputError) in
                guard case .string(let text) = json, let value = read(text) else {
                    throw path.error(description, json)
                }
                return value
            },
            encode: { .string(write($0)) })
    }
}
