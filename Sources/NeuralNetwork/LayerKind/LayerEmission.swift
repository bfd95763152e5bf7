import Kernels
import Tensors

/// What the compiler passes to a layer to create its operation: storages, weights and what is fused with it.
public struct LayerEmission {
    /// The layer's node in the graph: shapes and parameters.
    public let node: ResolvedGraph.Node
    /// The node's index in the graph, which selects its stream of random numbers.
    public let index: Int
    /// The storage of each input.
    public let inputs: [Storage]
    /// The storage of the output.
    public let output: Storage
    /// The gradient of the output; `nil` if nothing here or below is trained.
    public let outputGradient: Storage?
    /// The gradient of each input; `nil` where nobody needs it.
    public let inputGradients: [Storage?]
    /// The parameters and the running state.
    public let store: ParameterStore
    /// The per-shard weight gradients; `nil` at inference and for frozen layers, whose weights need no gradient.
    public let partials: GradientPartials?
    /// Whether normalisations use the batch's moments rather than the running ones.
    let usesBatchMoments: Bool

    // Set by the compiler according to the layer's traits.

    /// The weights of a layer with a kernel, including a folded normalisation.
    public var weights: LayerWeights?
    /// Whether a rectifier is fused.
    public var rectifies = false
    /// The normalisation whose moments the layer accumulates.
    var moments: BatchNormOperation?
    /// The max pooling that is fused with a normalisation.
    var pooling: PoolingGeometry?
    var recomputed = Recomputed()
    /// Set if a single image is split across workers, at inference.
    var striping: Striping?
    /// Set if the layer multiplies bytes.
    var bytes: Bytes?

    /// How a quantized layer computes, and the formats of its input and output.
    struct Bytes {
        let quantization: LayerQuantization
        /// The layout of the input; `nil` for floats.
        let input: ByteLayout?
        /// The format of the output; `nil` for floats.
        let output: GraphCompiler.ByteFormat?
        /// The fused max pooling.
        let pooling: PoolingGeometry?
    }

    /// Storages whose contents are recomputed instead of kept.
    struct Recomputed {
        var input, output: Storage?
        var inputGradient, outputGradient: Storage?
    }

    /// The same layer's operation in the batch program, which prepares the weights.
    struct Striping {
        let whole: (any Operation)?
    }

    /// The storage of the input of a layer with one input.
    public var input: Storage { inputs[0] }
    /// The gradient of the input of a layer with one input.
    public var inputGradient: Storage? { inputGradients[0] }
    /// Whether its parameters need a gradient.
    public var learns: Bool { partials != nil && outputGradient != nil }
}
