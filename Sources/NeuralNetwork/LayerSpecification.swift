import Tensors

/// A height and a width.
public struct Size2D: Hashable, Sendable, CustomStringConvertible {
    public var height: Int
    public var width: Int

    public init(_ height: Int, _ width: Int) {
        self.height = height
        self.width = width
    }

    public init(_ side: Int) { self.init(side, side) }

    public var description: String { "\(height)×\(width)" }
}

/// How a window treats the border of its input.
public enum Padding: Hashable, Sendable {
    /// No padding: `out = ⌊(in − d·(k − 1) − 1) / s⌋ + 1`.
    case valid
    /// `out = ⌈in / s⌉`; an odd total puts its extra row or column at the bottom or right, as TensorFlow does.
    case same
    /// Rows above and below, columns left and right.
    case explicit(top: Int, bottom: Int, left: Int, right: Int)
}

/// How weights begin. `fanIn`, `fanOut`: inputs and outputs of one unit, times `kH·kW` for a convolution.
public enum Initializer: Hashable, Sendable {
    /// Normal, σ = √(2 / fanIn). He et al. 2015, arXiv:1502.01852.
    case heNormal
    /// Uniform in ±√(6 / fanIn).
    case heUniform
    /// Normal, σ = √(2 / (fanIn + fanOut)). Glorot and Bengio 2010.
    case glorotNormal
    /// Uniform in ±√(6 / (fanIn + fanOut)).
    case glorotUniform
    /// Orthonormal rows or columns times `gain`, from the QR factorisation of a normal matrix.
    /// Saxe et al. 2013, arXiv:1312.6120.
    case orthogonal(gain: Float)
}

/// What one layer of a configuration says. The names are Keras's.
public enum Layer: Hashable, Sendable {
    /// Convolution of `[H, W, C]` with `filters` kernels. `initializer` and `lowering` nil take the model's.
    case conv2d(
        filters: Int, kernelSize: Size2D, strides: Size2D = Size2D(1), padding: Padding = .valid,
        dilation: Size2D = Size2D(1), useBias: Bool = true, initializer: Initializer? = nil,
        lowering: LoweringChoice? = nil)
    /// `Y = X·W + b` on vectors `[C]`. `lowering` nil is chosen by timing.
    case dense(
        units: Int, useBias: Bool = true, initializer: Initializer? = nil, lowering: DenseLowering? = nil)
    /// Per-channel normalisation; `momentum` is the weight of the *new* batch in the running statistics.
    case batchNormalization(momentum: Float = 0.1, epsilon: Float = 1e-5)
    case relu
    case leakyRelu(negativeSlope: Float = 0.01)
    /// `x · Φ(x)` with the exact error function.
    case gelu
    case tanh
    case sigmoid
    /// Softmax over the channels. As the last layer it is fused with the loss.
    case softmax
    /// `strides` nil takes `poolSize`.
    case maxPooling2d(poolSize: Size2D, strides: Size2D? = nil, padding: Padding = .valid)
    /// Averages over the part of the window that lies inside the image. `strides` nil takes `poolSize`.
    case averagePooling2d(poolSize: Size2D, strides: Size2D? = nil, padding: Padding = .valid)
    case globalAveragePooling2d
    /// Zeroes with probability `rate` in training and scales the rest by `1 / (1 − rate)`.
    case dropout(rate: Float)
    case flatten
    /// Element-wise sum of two or more inputs of one shape.
    case add
    /// Joins two or more inputs along the channels.
    case concatenate

    /// The name in a configuration.
    public var type: String {
        switch self {
        case .conv2d: "conv2d"
        case .dense: "dense"
        case .batchNormalization: "batchNormalization"
        case .relu: "relu"
        case .leakyRelu: "leakyRelu"
        case .gelu: "gelu"
        case .tanh: "tanh"
        case .sigmoid: "sigmoid"
        case .softmax: "softmax"
        case .maxPooling2d: "maxPooling2d"
        case .averagePooling2d: "averagePooling2d"
        case .globalAveragePooling2d: "globalAveragePooling2d"
        case .dropout: "dropout"
        case .flatten: "flatten"
        case .add: "add"
        case .concatenate: "concatenate"
        }
    }
}

/// A layer with its place in the graph.
public struct LayerNode: Hashable, Sendable {
    /// Unique in the graph. `input` is taken by the network's input.
    public var name: String
    /// The layers it reads; in a plain list, the one before.
    public var inputs: [String]
    public var layer: Layer

    public init(name: String, inputs: [String], layer: Layer) {
        self.name = name
        self.inputs = inputs
        self.layer = layer
    }
}

/// What the user said: an input shape and layers, in an order in which every layer follows its inputs.
/// The last layer is the output.
public struct Graph: Hashable, Sendable {
    /// The name under which layers read the network's input.
    public static let inputName = "input"

    public var inputShape: Shape
    /// For layers that name none.
    public var initializer: Initializer
    /// Of convolutions that name none; nil: chosen by timing. Those that cannot be lowered so choose too.
    public var lowering: Lowering.Kind?
    public var nodes: [LayerNode]

    public init(
        inputShape: Shape, initializer: Initializer = .heNormal, lowering: Lowering.Kind? = nil, nodes: [LayerNode]
    ) {
        self.inputShape = inputShape
        self.initializer = initializer
        self.lowering = lowering
        self.nodes = nodes
    }

    /// A chain: names are given (`conv2d_1`, `relu_1`, `conv2d_2`, …) and each layer reads the one before.
    public init(
        inputShape: Shape, initializer: Initializer = .heNormal, lowering: Lowering.Kind? = nil, layers: [Layer]
    ) {
        var counts: [String: Int] = [:]
        var previous = Graph.inputName
        var nodes: [LayerNode] = []
        for layer in layers {
            let number = counts[layer.type, default: 0] + 1
            counts[layer.type] = number
            let name = "\(layer.type)_\(number)"
            nodes.append(LayerNode(name: name, inputs: [previous], layer: layer))
            previous = name
        }
        self.init(inputShape: inputShape, initializer: initializer, lowering: lowering, nodes: nodes)
    }
}
