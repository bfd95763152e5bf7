import Kernels
import Tensors

/// What the compiler hands a layer that makes its operation: where things lie, and what rides along.
public struct LayerEmission {
    /// The layer in its network: shapes and parameters.
    public let node: ResolvedGraph.Node
    /// The node's number in the graph, which gives it random numbers of its own.
    public let index: Int
    /// What it reads, of each input.
    public let inputs: [Storage]
    /// Where its result goes.
    public let output: Storage
    /// Nil where nothing below is trained.
    public let outputGradient: Storage?
    /// Of each input; nil where nobody needs it.
    public let inputGradients: [Storage?]
    /// The parameters and the running state.
    public let store: ParameterStore
    /// Nil at inference, and where the layer is frozen: its weights then need no gradient.
    public let partials: GradientPartials?
    /// Whether normalisations take the batch's moments (else the running ones).
    let usesBatchMoments: Bool

    // What its traits let the compiler do.

    /// Of a layer with a kernel: what it multiplies with, a folded normalisation included.
    public var weights: LayerWeights?
    /// Whether a rectifier rides along.
    public var rectifies = false
    /// The normalisation whose moments it takes.
    var moments: BatchNormOperation?
    /// Of a normalisation: the max pooling that rides along.
    var pooling: PoolingGeometry?
    var recomputed = Recomputed()
    /// Given where one image is shared out among workers, at inference.
    var striping: Striping?
    /// Given where the layer multiplies bytes.
    var bytes: Bytes?

    /// How a quantized layer computes, and how its input and output lie.
    struct Bytes {
        let quantization: LayerQuantization
        /// Nil: floats.
        let input: ByteLayout?
        /// Nil: floats.
        let output: GraphCompiler.ByteFormat?
        /// A max pooling that rides along.
        let pooling: PoolingGeometry?
    }

    /// Storages whose contents are computed a second time instead of kept.
    struct Recomputed {
        var input, output: Storage?
        var inputGradient, outputGradient: Storage?
    }

    /// The same layer's operation in the program for batches, which prepares the weights.
    struct Striping {
        let whole: (any Operation)?
    }

    /// What a layer of one input reads.
    public var input: Storage { inputs[0] }
    /// Of a layer of one input.
    public var inputGradient: Storage? { inputGradients[0] }
    /// Whether its parameters need a gradient.
    public var learns: Bool { partials != nil && outputGradient != nil }
}
