import Tensors

/// A height and a width, or a number of rows and of columns.
public struct Size2D: Hashable, Sendable, CustomStringConvertible, ExpressibleByIntegerLiteral {
    /// Rows.
    public var height: Int
    /// Columns.
    public var width: Int

    /// `height` rows and `width` columns.
    public init(_ height: Int, _ width: Int) {
        self.height = height
        self.width = width
    }

    /// As many rows as columns.
    public init(_ side: Int) { self.init(side, side) }

    /// A square: `kernelSize: 3`.
    public init(integerLiteral side: Int) { self.init(side, side) }

    /// `3×5`: rows, then columns.
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

/// What one layer computes. The names and options are those of a configuration's `type`, and Keras's.
///
/// Shapes are of one image or vector, without the batch: height H, width W, channels C; k is the kernel or window, s the
/// strides, d the dilation.
public enum Layer: Hashable, Sendable {
    /// Convolution of `[H, W, C]` with F = `filters` kernels to `[H', W', F]`:
    /// `y[i, j, f] = b[f] + Σ x[s·i + d·u, s·j + d·v, c] · w[u, v, c, f]` over u, v in the kernel and all channels c, x being 0
    /// in the padding. F·k·k·C parameters and F more with `useBias`; `H'·W'·F·k·k·C` multiply-adds.
    ///
    /// H' and W' follow ``Padding``. `initializer` and `lowering` nil take the model's.
    case conv2d(
        filters: Int, kernelSize: Size2D, strides: Size2D = Size2D(1), padding: Padding = .valid,
        dilation: Size2D = Size2D(1), useBias: Bool = true, initializer: Initializer? = nil,
        lowering: LoweringChoice? = nil)
    /// `y = x·W + b`, from a vector `[C]` to `[units]`: C·units parameters and multiply-adds, and `units` more parameters
    /// with `useBias`. `lowering` nil is chosen by timing. As the last such layer it may leave `units` to the data
    /// (``Graph/unitsOfClasses``).
    case dense(
        units: Int, useBias: Bool = true, initializer: Initializer? = nil, lowering: DenseLowering? = nil)
    /// Normalisation of each channel: `y = γ·(x − μ)/√(σ² + epsilon) + β`, 2·C parameters.
    ///
    /// In training μ and σ² (biased) are the batch's, over all rows of the channel, and the running ones follow:
    /// `r ← (1 − momentum)·r + momentum·new`, the unbiased variance being kept. Classification takes the running ones.
    /// Ioffe and Szegedy 2015, arXiv:1502.03167.
    case batchNormalization(momentum: Float = 0.1, epsilon: Float = 1e-5)
    /// `max(x, 0)`, element by element. NaN stays NaN.
    case relu
    /// `x` where x > 0, else `negativeSlope · x`.
    case leakyRelu(negativeSlope: Float = 0.01)
    /// `x · Φ(x)`, Φ being the normal distribution, with the exact error function. Hendrycks and Gimpel 2016,
    /// arXiv:1606.08415.
    case gelu
    /// `(eˣ − e⁻ˣ)/(eˣ + e⁻ˣ)`, element by element.
    case tanh
    /// `1/(1 + e⁻ˣ)`, element by element.
    case sigmoid
    /// `exp(x_k)/Σ exp(x_c)` over the channels. As the last layer it is fused with the loss, which applies it in any case.
    case softmax
    /// The largest of each window of each channel, `[H, W, C]` to `[H', W', C]`; padding takes no part. `strides` nil takes
    /// `poolSize`.
    case maxPooling2d(poolSize: Size2D, strides: Size2D? = nil, padding: Padding = .valid)
    /// The mean of each window of each channel, `[H, W, C]` to `[H', W', C]`, over the part of it that lies inside the
    /// image. `strides` nil takes `poolSize`.
    case averagePooling2d(poolSize: Size2D, strides: Size2D? = nil, padding: Padding = .valid)
    /// The mean of each channel, `[H, W, C]` to `[C]`.
    case globalAveragePooling2d
    /// In training zeroes each element with probability `rate` in [0, 1) and multiplies the others by `1/(1 − rate)`;
    /// afterwards changes nothing.
    case dropout(rate: Float)
    /// `[H, W, C]` as one vector `[H·W·C]`, rows first, channels last.
    case flatten
    /// The sum of two or more inputs of one shape, element by element.
    case add
    /// Two or more inputs of the same height and width, one's channels after the other's.
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
    /// What it computes.
    public var layer: Layer

    package init(name: String, inputs: [String], layer: Layer) {
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
    /// Units of the last dense layer that are as many as the data have classes.
    public static let unitsOfClasses = 0

    /// `[H, W, C]` of an image: height, width, channels.
    public var inputShape: Shape
    /// Whether ``inputShape`` is yet to be the data's.
    package var takesShapeOfData = false
    /// For layers that name none.
    public var initializer: Initializer
    /// Of convolutions that name none; nil: chosen by timing. Those that cannot be lowered so choose too.
    public var lowering: Lowering.Kind?
    /// The layers, each after those it reads.
    public var nodes: [LayerNode]

    package init(
        inputShape: Shape, initializer: Initializer = .heNormal, lowering: Lowering.Kind? = nil, nodes: [LayerNode]
    ) {
        self.inputShape = inputShape
        self.initializer = initializer
        self.lowering = lowering
        self.nodes = nodes
    }

    /// A chain: names are given (`conv2d_1`, `relu_1`, `conv2d_2`, …) and each layer reads the one before.
    package init(
        inputShape: Shape, initializer: Initializer = .heNormal, lowering: Lowering.Kind? = nil, layers: [Layer]
    ) {
        let names = Graph.names(of: layers, given: layers.map { _ in nil })
        let nodes = layers.indices.map {
            LayerNode(name: names[$0], inputs: [$0 == 0 ? Graph.inputName : names[$0 - 1]], layer: layers[$0])
        }
        self.init(inputShape: inputShape, initializer: initializer, lowering: lowering, nodes: nodes)
    }
}

extension Graph {
    /// Whether the data must be known before shapes are.
    package var needsData: Bool { takesShapeOfData || nodes.contains { $0.layer.unitsFollowClasses } }

    /// The graph for images of this shape in so many classes, where it leaves either to the data.
    package func completed(inputShape: Shape, classes: Int) -> Graph {
        var result = self
        if takesShapeOfData { (result.inputShape, result.takesShapeOfData) = (inputShape, false) }
        for index in nodes.indices {
            guard case .dense(Graph.unitsOfClasses, let useBias, let initializer, let lowering) = nodes[index].layer
            else { continue }
            result.nodes[index].layer = .dense(
                units: classes, useBias: useBias, initializer: initializer, lowering: lowering)
        }
        return result
    }
}

extension Layer {
    /// Whether it is a dense layer of as many units as classes.
    package var unitsFollowClasses: Bool {
        if case .dense(Graph.unitsOfClasses, _, _, _) = self { true } else { false }
    }
}
