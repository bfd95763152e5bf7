import Formats
import Tensors

/// All there is to a kind of layer: its options and their keys in a configuration, the shapes it makes, what it runs, and
/// how it is written for others. One file of `Layers` holds one, and ``Layer/register(_:)`` adds those of other
/// packages; nothing else in the engine knows a layer by its name.
///
/// For `y = f(x)` element by element, ``FunctionLayer`` asks for f and its derivative alone; for anything made of the
/// engine's operations, ``TapeLayer`` asks for the forward pass alone.
public protocol LayerKind: ConfigurationKind {
    /// How many layers it reads.
    static var inputCount: ClosedRange<Int> { get }
    /// What the compiler may do with it beside running it.
    var traits: LayerTraits { get }
    /// How its own weights begin; nil: as the graph says.
    var initializer: Initializer? { get }
    /// The order of its output's features in PyTorch, where that differs from ours.
    var featureOrder: FeatureOrderRule { get }

    /// Gives `node` its output shape, parameters, state, cost and geometry. `node` has as many inputs as
    /// ``inputCount`` allows. Without an implementation: the input's shape and nothing else.
    /// - Throws: an ``InputError`` at the node's place for options or inputs that cannot be.
    func infer(_ node: inout NodeBuilder) throws(InputError)
    /// What computes it, from the places and companions that the compiler has chosen; nil for a layer whose output is its
    /// input's memory (``LayerTraits/isView``).
    func operation(_ emission: LayerEmission) -> (any Operation)?
    /// The operators of ONNX that compute it at inference; the last one's output is the layer's. Empty: it passes its
    /// input on.
    func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode]
}

extension LayerKind {
    /// One.
    public static var inputCount: ClosedRange<Int> { 1...1 }
    /// None.
    public var traits: LayerTraits { LayerTraits() }
    /// As the graph says.
    public var initializer: Initializer? { nil }
    /// As of its input.
    public var featureOrder: FeatureOrderRule { .ofInput }
    /// The input's shape, and nothing else.
    public func infer(_ node: inout NodeBuilder) throws(InputError) { node.outputShape = node.inputShapes[0] }
}

extension LayerKind {
    /// How many layers are read by one that joins several.
    public static var severalInputs: ClosedRange<Int> { 2...Int.max }

    /// This kind as a case of the configuration's union of layers, `common` being the keys that all layers share.
    package static func variant<Common>(common: [Field<Common>]) -> Variant<Common, Layer> {
        Variant(type, common: common, options, { Layer($0) }, { $0.as(Self.self) })
    }
}

/// What the compiler fuses, shares and leaves out is decided by these, whichever layer has them.
public struct LayerTraits: Hashable, Sendable {
    /// It multiplies with a kernel, its first parameter, whose last axis is the output's channels: at inference a
    /// normalisation that follows is folded into it and a rectifier rides along.
    public var hasKernel = false
    /// It can multiply bytes at inference.
    var multipliesBytes = false
    /// In training it takes the moments of a normalisation that follows while its output is in cache.
    var takesMoments = false
    /// It normalises each channel: γ and β are its parameters, running mean and variance its state.
    var normalization: ChannelNormalization?
    /// `max(x, 0)`, which others can do along with their own work.
    var isRectifier = false
    /// The largest of each window, which a normalisation can do along with its own work in training.
    package internal(set) var isMaximumPooling = false
    /// Its output is its input, under another shape at most.
    public var isView = false
    /// The same, at inference.
    public var isViewAtInference = false
    /// The gradient of each input is the output's own.
    public var sharesGradient = false
    /// As the last layer it is part of the loss.
    package var isSoftmax = false
    /// Its backward pass reads its input anew, so that a cheap one may be computed again instead of stored.
    public var rereadsInput = false
    /// Its input gradient costs less to compute again than to store.
    var hasCheapInputGradient = false

    /// None: the layer is run, and nothing else.
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

/// In which order PyTorch has the features of a layer's output. Those of a flattened image come channel by channel there
/// and pixel by pixel here; whatever reads them has its weights in that order.
public enum FeatureOrderRule: Sendable {
    /// The input's.
    case ofInput
    /// A flattened image's.
    case ofFlattenedImage
    /// Its own, the same here and there.
    case own
    /// The inputs', which must be one.
    case ofEachInput
    /// The inputs', one after the other.
    case joined
}

extension NodeBuilder {
    /// - Throws: an ``InputError`` where there are not as many inputs as ``LayerKind/inputCount`` says.
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
