import Tensors

/// The weights and bias that a convolution or dense layer multiplies with: its own, or, at inference, those with the
/// following batch-norm folded in: `W′ = W·s`, `b′ = (b − μ)·s + β`, `s = γ/√(σ² + ε)` for each output channel.
public final class LayerWeights {
    /// The batch-norm that is folded in.
    struct Norm {
        let gamma, beta, mean, variance: ParameterTensor
        let epsilon: Float
    }

    /// The kernel's tensor.
    public let kernel: ParameterTensor
    /// The bias's tensor, or `nil` if there is none.
    public let biasTensor: ParameterTensor?
    private let store: ParameterStore
    private let norm: Norm?
    private let columns: Int
    private let foldedKernel: AlignedBuffer<Float>
    private let foldedBias: AlignedBuffer<Float>
    /// Whether other weights, which this shares, are refreshed.
    private let isShared: Bool

    init(node: ResolvedGraph.Node, norm: Norm?, store: ParameterStore) {
        kernel = node.parameters[0]
        biasTensor = node.parameters.count > 1 ? node.parameters[1] : nil
        self.norm = norm
        self.store = store
        columns = node.outputShape.channels
        foldedKernel = AlignedBuffer(count: norm == nil ? 0 : kernel.count)
        foldedBias = AlignedBuffer(count: norm == nil ? 0 : columns)
        isShared = false
    }

    /// Creates the same weights for another operation. Refresh the others first.
    init(sharing other: LayerWeights) {
        (kernel, biasTensor, norm, store) = (other.kernel, other.biasTensor, other.norm, other.store)
        (columns, foldedKernel, foldedBias) = (other.columns, other.foldedKernel, other.foldedBias)
        isShared = true
    }

    /// The kernel to multiply with.
    public var w: UnsafePointer<Float> { UnsafePointer(norm == nil ? store.parameter(kernel) : foldedKernel.pointer) }

    /// The bias to add, or `nil` if there is none.
    public var bias: UnsafePointer<Float>? {
        norm == nil ? biasTensor.map { UnsafePointer(store.parameter($0)) } : UnsafePointer(foldedBias.pointer)
    }

    /// Recomputes the folded weights. Call it after each change of the parameters.
    public func refresh() {
        guard let norm, !isShared else { return }
        let source = store.parameter(kernel)
        for c in 0..<columns {
            let inverse = 1 / (Double(store.state(norm.variance)[c]) + Double(norm.epsilon)).squareRoot()
            let scale = Double(store.parameter(norm.gamma)[c]) * inverse
            let own = biasTensor.map { Double(store.parameter($0)[c]) } ?? 0
            foldedBias[c] = Float(
                (own - Double(store.state(norm.mean)[c])) * scale + Double(store.parameter(norm.beta)[c]))
            for row in 0..<kernel.count / columns {
                foldedKernel.pointer[row * columns + c] = Float(Double(source[row * columns + c]) * scale)
            }
        }
    }
}
