import Formats
import NeuralNetwork
import Tensors
import Training

extension Section where Root == DistillationOptions {
    static var distillation: Section {
        Section(
            initial: DistillationOptions(teachers: []),
            fields: [
                .key(
                    "teachers", \.teachers,
                    .array(.text(limit: 4096), count: 1...100, expected: "a list of 1…100 paths"), isRequired: true,
                    "Run folders, model files, or folders of model files."),
                .key(
                    "temperature", \.temperature, .number(.above(0, 100)),
                    "By which logits are divided before the softmax that is compared."),
                .key("weight", \.weight, .number(.closed(0, 1)), "Of the teachers against the labels."),
            ])
    }
}

private struct FrozenDraft: Sendable {
    var layers = LayerPattern("")
    var epochs = 1
}

extension Codec where Value == LayerPattern {
    fileprivate static var layers: Codec {
        Codec<String>.text(limit: 200).converted({ text, _, _ in LayerPattern(text) }, { $0.text })
    }
}

extension Codec where Value == [FrozenLayers] {
    /// Layer names or patterns, each alone or with the number of epochs for which it applies.
    static var frozen: Codec {
        let pattern = Codec<LayerPattern>.layers
        let object = Section<FrozenDraft>(
            initial: FrozenDraft(),
            fields: [
                .key("layers", \.layers, pattern, isRequired: true, "A layer's name; * stands for any letters."),
                .key(
                    "epochs", \.epochs, .integer(1...100_000), isRequired: true, "For how many epochs, from the first."),
            ]
        ).codec
        let expected = "a layer's name, a pattern such as conv2d_*, or an object with 'layers' and 'epochs'"
        let entry = Codec<FrozenLayers>(
            expected: expected, schema: ["anyOf": .array([.object(pattern.schema), .object(object.schema)])],
            decode: { json, path throws(InputError) in
                switch json {
                case .object:
                    let draft = try object.decode(json, path)
                    return FrozenLayers(draft.layers, epochs: draft.epochs)
                case .string: return FrozenLayers(try pattern.decode(json, path))
                default: throw path.error(expected, json)
                }
            },
            encode: { entry in
                guard let epochs = entry.epochs else { return pattern.encode(entry.layers) }
                return object.encode(FrozenDraft(layers: entry.layers, epochs: epochs))
            })
        return .array(entry, count: 0...1000, expected: "a list of layers")
    }
}

extension Codec where Value == [LayerRate] {
    static var layerRates: Codec {
        let section = Section<LayerRate>(
            initial: LayerRate("", factor: 1),
            fields: [
                .key("layers", \.layers, .layers, isRequired: true, "A layer's name; * stands for any letters."),
                .key(
                    "factor", \.factor, .number(.above(0, 1000)), isRequired: true,
                    "What the scheduled rate is multiplied with."),
            ])
        return .array(section.codec, count: 0...1000, expected: "a list of objects with 'layers' and 'factor'")
    }
}

extension Section where Root == WhiteningOptions {
    static var whitening: Section {
        Section(
            initial: WhiteningOptions(),
            fields: [
                .key("images", \.images, .integer(1...1_000_000), "The first so many training images are looked at."),
                .key("epsilon", \.epsilon, .number(.above(0, 1)), "Added to each variance."),
                .key("frozen", \.frozen, .boolean, "Whether these filters stay as they are."),
            ])
    }
}

extension ResizingStage {
    fileprivate var size: Size2D {
        get { Size2D(height, width) }
        set { (height, width) = (newValue.height, newValue.width) }
    }
}

extension Codec where Value == [ResizingStage] {
    static var resizing: Codec {
        let stage = Section<ResizingStage>(
            initial: ResizingStage(epochs: 1, height: 1, width: 1),
            fields: [
                .key("epochs", \.epochs, .integer(1...100_000), isRequired: true, "How many epochs."),
                .key("size", \.size, .size(1...1024), isRequired: true, "Of the images, pixels."),
            ])
        return .array(stage.codec, count: 0...100, expected: "a list of at most 100 stages")
    }
}
