import Formats
import Tensors

/// A kind of layer: its options and their configuration keys, its shapes, its operation and its export to other
/// formats. Each file of `Layers` holds one, and ``Layer/register(_:)`` adds those of other packages; nothing else in
/// the engine knows a layer by its name.
///
/// For an element-wise `y = f(x)`, conform to ``FunctionLayer``, which requires only f and its derivative; for anything
/// composed of the engine's operations, conform to ``TapeLayer``, which requires only the forward pass.
public protocol LayerKind: ConfigurationKind {
    /// The number of inputs it accepts.
    static var inputCount: ClosedRange<Int> { get }
    /// The properties by which the compiler fuses and simplifies it.
    var traits: LayerTraits { get }
    /// The initializer of its weights; `nil` for the graph's.
    var initializer: Initializer? { get }
    /// The order of its output's features in PyTorch, where it differs from ours.
    var featureOrder: FeatureOrderRule { get }

    /// Sets the output shape, parameters, state, cost and geometry of `node`, which has as many inputs as
    /// ``inputCount`` allows. The default implementation sets the input's shape and nothing else.
    /// - Throws: An ``InputError`` at the node's place for invalid options or inputs.
    func infer(_ node: inout NodeBuilder) throws(InputError)
    /// Returns the operation that computes it, given the storages and fused layers that the compiler has chosen; `nil`
    /// for a layer whose output is its input's memory (``LayerTraits/isView``).
    func operation(_ emission: LayerEmission) -> (any Operation)?
    /// Returns the ONNX operators that compute it at inference; the last one's output is the layer's. Empty if the
    /// layer passes its input through.
    func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode]
}

extension LayerKind {
    /// One.
    public static var inputCount: ClosedRange<Int> { 1...1 }
    /// None.
    public var traits: LayerTraits { LayerTraits() }
    /// The graph's initializer.
    public var initializer: Initializer? { nil }
    /// The input's order.
    public var featureOrder: FeatureOrderRule { .ofInput }
    /// Sets the input's shape, and nothing else.
    public func infer(_ node: inout NodeBuilder) throws(InputError) { node.outputShape = node.inputShapes[0] }
}

extension LayerKind {
    /// The input count of a layer that joins several: at least two.
    public static var severalInputs: ClosedRange<Int> { 2...Int.max }

    /// Returns this kind as a case of the configuration's union of layers; `common` holds the keys that all layers
    /// share.
    package static func variant<Common>(common: [Field<Common>]) -> Variant<Common, Layer> {
        Variant(type, common: common, options, { Layer($0) }, { $0.as(Self.self) })
    }
}

/// Properties of a layer by which the compiler decides what to fuse, share or omit; it does not distinguish layers
/// otherwise.
public struct LayerTraits: Hashable, Sendable {
    /// Whether it multiplies with a kernel, its first parameter, whose last axis is the output channels. At inference,
    /// a normalisation that follows is folded into it, and a rectifier is fused.
    public var hasKernel = false
    /// Whether it can multiply bytes at inference.
    var multipliesBytes = false
    /// Whether, in training, it accumulates the moments of a following normalisation while its output is in cache.
    var takesMoments = false
    /// The normalisation of each channel, if it is one: γ and β are its parameters, running mean and variance its
    /// state.
    var normalization: ChannelNormalization?
    /// Whether it is `max(x, 0)`, which other layers can compute along with their own work.
    var isRectifier = false
    /// Whether it is the maximum of each window, which a normalisation can compute along with its own work in training.
    package internal(set) var isMaximumPooling = false
    /// Whether its output is its input, at most with another shape.
    public var isView = false
    /// Whether its output is its input at inference.
    public var isViewAtInference = false
    /// Whether the gradient of each input is the output's own.
    public var sharesGradient = false
    /// Whether, as the last layer, it is part of the loss.
    package var isSoftmax = false
    /// Whether its backward pass reads its input again, so that a cheap input may be recomputed instead of stored.
    var rereadsInput = false
    /// Whether its input gradient costs less to recompute than to store.
    var hasCheapInputGradient = false

    /// Creates traits without any special property: the layer is simply run.
    public init() {}

    init(
        hasKernel: Bool = false, takesMoments: Bool = false, normalization: ChannelNormalization? = nil,
        isRectifier: Bool = false, isMaximumPooling: Bool = false, isView: Bool = false,
        isViewAtInference: Bool = false, sharesGradient: Bool = false, isSoftmax: Bool = false,
        rereadsInput: Bool = false, hasCheapInputGradient: Bool = false, multipliesBytes: Bool = false
    ) {
        self.hasKernel = hasKernel
        self.takesMoments = takesMoments
        self.normalization = normalization
        self.isRectifier = isRectifier
        self.isMaximumPooling = isMaximumPooling
        self.isView = isView
        self.isViewAtInference = isViewAtInference
        self.sharesGradient = sharesGradient
        self.isSoftmax = isSoftmax
        self.rereadsInput = rereadsInput
        self.hasCheapInputGradient = hasCheapInputGradient
        self.multipliesBytes = multipliesBytes
    }
}

/// `(x − μ)/√(σ² + epsilon)`.
package struct ChannelNormalization: Hashable, Sendable {
    let epsilon: Float
}

/// The order in which PyTorch has the features of a layer's output. PyTorch flattens an image channel by channel, this
/// engine pixel by pixel; a layer that reads the flattened image has its weights in that order.
public enum FeatureOrderRule: Sendable {
    /// The order of the input.
    case ofInput
    /// The order of a flattened image.
    case ofFlattenedImage
    /// An order of its own, the same in PyTorch and here.
    case own
    /// The order of the inputs, which must agree.
    case ofEachInput
    /// The orders of the inputs, concatenated.
    case joined
}

extension NodeBuilder {
    /// - Throws: An ``InputError`` if the number of inputs is outside ``LayerKind/inputCount``.
    func requireInputs(of kind: any LayerKind) throws(InputError) {
        let count = Swift.type(of: kind).inputCount
        guard !count.contains(inputShapes.count) else { return }
        let expected =
            switch (count.lowerBound, count.upperBound) {
            case (1, 1): "one input"
            case (2, .max): "at least two inputs"
            case (let low, let high): "\(low)…\(high) inputs"
            }
        throw InputError(place, expected: expected, received: "\(inputShapes.count)")
    }
}
