import NeuralNetwork
import Tensors

private struct Convolution: Sendable {
    var filters = 1
    var kernelSize = Size2D(1)
    var strides = Size2D(1)
    var padding = Padding.valid
    var dilation = Size2D(1)
    var useBias = true
    var initializer: Initializer?
    var lowering: LoweringChoice?
}

private struct Dense: Sendable {
    var units = Graph.unitsOfClasses
    var useBias = true
    var initializer: Initializer?
    var lowering: DenseLowering?
}

private struct BatchNormalization: Sendable {
    var momentum: Float = 0.1
    var epsilon: Float = 1e-5
}

private struct Pooling: Sendable {
    var poolSize = Size2D(1)
    var strides: Size2D?
    var padding = Padding.valid
}

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
    static var single: [Field<LayerPlace>] {
        let inputs = Codec<[String]>.array(
            .text(limit: 64), count: 1...1, expected: "[name], the one layer that is read")
        return [name, .optional("inputs", \.inputs, inputs, isLeftOut: true, "The layer read; else the one before.")]
    }

    /// What a layer that joins several inputs takes.
    static var several: [Field<LayerPlace>] {
        let inputs = Codec<[String]>.array(
            .text(limit: 64), count: 2...64, expected: "2…64 names of earlier layers, or \"\(Graph.inputName)\"")
        let some = inputs.converted({ value, _, _ in [String]?(value) }, { $0 ?? [] })
        return [name, .key("inputs", \.inputs, some, isRequired: true, "The layers read.")]
    }
}

extension Codec where Value == Tagged<LayerPlace, Layer> {
    static var layer: Codec {
        .union(
            [
                convolution, dense, batchNormalization, plain(.relu), leakyRelu, plain(.gelu), plain(.tanh),
                plain(.sigmoid), plain(.softmax),
                pooling("maxPooling2d", { .maxPooling2d(poolSize: $0, strides: $1, padding: $2) }) {
                    guard case .maxPooling2d(let size, let strides, let padding) = $0 else { return nil }
                    return Pooling(poolSize: size, strides: strides, padding: padding)
                },
                pooling("averagePooling2d", { .averagePooling2d(poolSize: $0, strides: $1, padding: $2) }) {
                    guard case .averagePooling2d(let size, let strides, let padding) = $0 else { return nil }
                    return Pooling(poolSize: size, strides: strides, padding: padding)
                },
                plain(.globalAveragePooling2d), dropout, plain(.flatten), plain(.add, common: LayerPlace.several),
                plain(.concatenate, common: LayerPlace.several),
            ],
            common: LayerPlace())
    }
}

private typealias LayerVariant = Variant<LayerPlace, Layer>

/// A layer without options.
private func plain(_ layer: Layer, common: [Field<LayerPlace>] = LayerPlace.single) -> LayerVariant {
    Variant(layer.type, common: common, Section(initial: Nothing(), fields: []), { _ in layer }) {
        $0 == layer ? Nothing() : nil
    }
}

private let initializerDescription = "How the weights begin; null: as the model's 'initializer' says."

private var convolution: LayerVariant {
    let section = Section(
        initial: Convolution(),
        fields: [
            .key("filters", \.filters, .integer(1...65_536), isRequired: true, "Output channels."),
            .key("kernelSize", \.kernelSize, .size(1...1024), isRequired: true, "Rows and columns of a filter."),
            .key("strides", \.strides, .size(1...1024), "Rows and columns between two positions."),
            .key("padding", \.padding, .padding, "Zeros around the image."),
            .key("dilation", \.dilation, .size(1...1024), "Rows and columns between the taps of a filter."),
            .key("useBias", \.useBias, .boolean, "Whether a bias is added; needless before batchNormalization."),
            .optional("initializer", \.initializer, .initializer, isLeftOut: true, initializerDescription),
            .optional(
                "lowering", \.lowering, .lowering, isLeftOut: true,
                "How it becomes matrix products; null: as the model's 'lowering' says."),
        ])
    return Variant(
        "conv2d", common: LayerPlace.single, section,
        {
            .conv2d(
                filters: $0.filters, kernelSize: $0.kernelSize, strides: $0.strides, padding: $0.padding,
                dilation: $0.dilation, useBias: $0.useBias, initializer: $0.initializer,
                lowering: $0.lowering)
        },
        { layer in
            guard
                case .conv2d(
                    let filters, let kernelSize, let strides, let padding, let dilation, let useBias,
                    let initializer, let lowering) = layer
            else { return nil }
            return Convolution(
                filters: filters, kernelSize: kernelSize, strides: strides, padding: padding, dilation: dilation,
                useBias: useBias, initializer: initializer, lowering: lowering)
        })
}

private var dense: LayerVariant {
    let section = Section(
        initial: Dense(),
        fields: [
            .key(
                "units", \.units, .units,
                "Outputs; classes: as many as the data have, which the last dense layer may say or leave out."),
            .key("useBias", \.useBias, .boolean, "Whether a bias is added; needless before batchNormalization."),
            .optional("initializer", \.initializer, .initializer, isLeftOut: true, initializerDescription),
            .optional(
                "lowering", \.lowering, .denseLowering, isLeftOut: true,
                "How its work is shared out; null: by timing, when training begins."),
        ])
    return Variant(
        "dense", common: LayerPlace.single, section,
        { .dense(units: $0.units, useBias: $0.useBias, initializer: $0.initializer, lowering: $0.lowering) },
        { layer in
            guard case .dense(let units, let useBias, let initializer, let lowering) = layer else { return nil }
            return Dense(units: units, useBias: useBias, initializer: initializer, lowering: lowering)
        })
}

private var batchNormalization: LayerVariant {
    let section = Section(
        initial: BatchNormalization(),
        fields: [
            .key("momentum", \.momentum, .number(.above(0, 1)), "Weight of the new batch in the running statistics."),
            .key("epsilon", \.epsilon, .number(.above(0, 1)), "Added to the variance."),
        ])
    return Variant(
        "batchNormalization", common: LayerPlace.single, section,
        { .batchNormalization(momentum: $0.momentum, epsilon: $0.epsilon) },
        { layer in
            guard case .batchNormalization(let momentum, let epsilon) = layer else { return nil }
            return BatchNormalization(momentum: momentum, epsilon: epsilon)
        })
}

private var leakyRelu: LayerVariant {
    let slope = Field<Float>.key("negativeSlope", \.self, .number(.closed(0, 1)), "Slope below zero.")
    return Variant(
        "leakyRelu", common: LayerPlace.single, Section(initial: 0.01, fields: [slope]),
        { .leakyRelu(negativeSlope: $0) },
        { if case .leakyRelu(let slope) = $0 { slope } else { nil } })
}

private var dropout: LayerVariant {
    let rate = Field<Float>.key("rate", \.self, .number(.below(0, 1)), isRequired: true, "How often a value is zeroed.")
    return Variant(
        "dropout", common: LayerPlace.single, Section(initial: 0, fields: [rate]), { .dropout(rate: $0) },
        { if case .dropout(let rate) = $0 { rate } else { nil } })
}

private func pooling(
    _ type: String, _ make: @escaping @Sendable (Size2D, Size2D?, Padding) -> Layer,
    _ match: @escaping @Sendable (Layer) -> Pooling?
) -> LayerVariant {
    let section = Section(
        initial: Pooling(),
        fields: [
            .key("poolSize", \.poolSize, .size(1...1024), isRequired: true, "Rows and columns of a window."),
            .optional(
                "strides", \.strides, .size(1...1024), isLeftOut: true,
                "Rows and columns between two windows; null: as poolSize."),
            .key("padding", \.padding, .padding, "Border around the image, which never counts as a value."),
        ])
    return Variant(
        type, common: LayerPlace.single, section, { make($0.poolSize, $0.strides, $0.padding) }, match)
}
