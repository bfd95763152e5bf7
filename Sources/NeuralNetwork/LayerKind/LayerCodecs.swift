import Formats
import Tensors

/// Codecs for values that several layers share.

extension Codec where Value == Size2D {
    /// A codec for one integer for both, or `[height, width]`.
    public static func size(_ range: ClosedRange<Int>) -> Codec {
        let side = Codec<Int>.integer(range)
        let expected = "\(side.expected) or [height, width]"
        let pair = Codec<[Int]>.array(side, count: 2...2, expected: expected)
        return Codec(
            expected: expected, schema: ["anyOf": .array([.object(side.schema), .object(pair.schema)])],
            decode: { json, path throws(InputError) in
                if json.array != nil {
                    let sides = try pair.decode(json, path)
                    return Size2D(sides[0], sides[1])
                }
                guard case .number(let number) = json, let value = number.integer, range.contains(value) else {
                    throw path.error(expected, json)
                }
                return Size2D(value)
            },
            encode: { $0.height == $0.width ? .integer($0.height) : pair.encode([$0.height, $0.width]) })
    }
}

extension Codec where Value == Padding {
    /// A codec for `valid`, `same`, one number for all sides, or `[top, bottom, left, right]`.
    public static var padding: Codec {
        let side = Codec<Int>.integer(0...1024)
        let expected = "\"valid\", \"same\", \(side.expected) or [top, bottom, left, right]"
        let sides = Codec<[Int]>.array(side, count: 4...4, expected: expected)
        return Codec(
            expected: expected,
            schema: [
                "anyOf": .array([
                    ["enum": .array(["valid", "same"])], .object(side.schema), .object(sides.schema),
                ])
            ],
            decode: { json, path throws(InputError) in
                switch json {
                case "valid": return .valid
                case "same": return .same
                case .string(let word):
                    throw path.error(expected, json, remedy: Spelling.remedy(for: word, among: ["valid", "same"]))
                case .number(let number):
                    guard let value = number.integer, (0...1024).contains(value) else {
                        throw path.error(expected, json)
                    }
                    return .explicit(top: value, bottom: value, left: value, right: value)
                default:
                    let values = try sides.decode(json, path)
                    return .explicit(top: values[0], bottom: values[1], left: values[2], right: values[3])
                }
            },
            encode: { padding in
                switch padding {
                case .valid: "valid"
                case .same: "same"
                case .explicit(let top, let bottom, let left, let right): sides.encode([top, bottom, left, right])
                }
            })
    }
}

extension Codec where Value == Int {
    /// A codec for the units of a dense layer, or `classes` for as many as there are classes.
    public static var units: Codec {
        let number = Codec<Int>.integer(1...1_048_576)
        let expected = number.expected + ", or \"classes\""
        return Codec(
            expected: expected, schema: ["anyOf": .array([.object(number.schema), ["const": "classes"]])],
            decode: { json, path throws(InputError) in
                if json == .string("classes") { return Graph.unitsOfClasses }
                guard case .number = json else { throw path.error(expected, json) }
                return try number.decode(json, path)
            },
            encode: { $0 == Graph.unitsOfClasses ? .string("classes") : number.encode($0) })
    }
}

extension Codec where Value == Initializer {
    /// A codec for a name, or `{"type": "orthogonal", "gain": 1.4}`.
    public static var initializer: Codec {
        let names: [(word: String, value: Initializer)] = [
            ("heNormal", .heNormal), ("heUniform", .heUniform), ("glorotNormal", .glorotNormal),
            ("glorotUniform", .glorotUniform), ("orthogonal", .orthogonal(gain: 1)),
        ]
        let word = Codec.choice(names)
        let variants = names.map { name in
            guard name.word == "orthogonal" else {
                return Variant(name.word, Section(initial: Nothing(), fields: []), { _ in name.value }) {
                    $0 == name.value ? Nothing() : nil
                }
            }
            let gain = Field<Float>.key(
                "gain", \.self, .number(.above(0, 100)), "Factor on the orthonormal matrix.")
            return Variant(name.word, Section(initial: 1, fields: [gain]), { .orthogonal(gain: $0) }) {
                if case .orthogonal(let gain) = $0 { gain } else { nil }
            }
        }
        let object = Codec.tagged(variants)
        let expected = word.expected + "; or an object with that as 'type'"
        return Codec(
            expected: expected, schema: ["anyOf": .array([.object(word.schema), .object(object.schema)])],
            decode: { json, path throws(InputError) in
                switch json {
                case .object: return try object.decode(json, path)
                case .string: return try word.decode(json, path)
                default: throw path.error(expected, json)
                }
            },
            encode: { initializer in
                if case .orthogonal(let gain) = initializer, gain != 1 { return object.encode(initializer) }
                return word.encode(initializer)
            })
    }
}

extension Field {
    /// The key of a layer's own initializer.
    public static func layerInitializer(_ place: any WritableKeyPath<Root, Initializer?> & Sendable) -> Field {
        .optional(
            "initializer", place, .initializer, isLeftOut: true,
            "How the weights begin; null: as the model's 'initializer' says.")
    }

    // Keys of layers that move a kernel over an image.

    static func kernelSize(_ place: any WritableKeyPath<Root, Size2D> & Sendable) -> Field {
        .key("kernelSize", place, .size(1...1024), isRequired: true, "Rows and columns of a kernel.")
    }

    static func strides(_ place: any WritableKeyPath<Root, Size2D> & Sendable) -> Field {
        .key("strides", place, .size(1...1024), "Rows and columns between two positions.")
    }

    static func padding(_ place: any WritableKeyPath<Root, Padding> & Sendable) -> Field {
        .key("padding", place, .padding, "Zeros around the image.")
    }

    static func dilation(_ place: any WritableKeyPath<Root, Size2D> & Sendable) -> Field {
        .key("dilation", place, .size(1...1024), "Rows and columns between the taps of a kernel.")
    }

    static func useBias(_ place: any WritableKeyPath<Root, Bool> & Sendable) -> Field {
        .key("useBias", place, .boolean, "Whether a bias is added; needless before batchNormalization.")
    }
}
