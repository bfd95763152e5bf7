import Kernels
import Tensors

/// The gradient of a layer's bias, `db = Σ dY` over the rows of all images, kept per shard until the step's end.
final class BiasGradient {
    private let bias: ParameterTensor
    private let store: ParameterStore
    private let kept: ShardSums

    /// - Returns: `nil` if there is no bias, or none to learn.
    init?(_ weights: LayerWeights, learns: Bool, store: ParameterStore, shards: Int) {
        guard learns, let bias = weights.biasTensor else { return nil }
        self.bias = bias
        self.store = store
        kept = ShardSums(count: bias.count, shards: shards)
    }

    var sums: [ShardSums] { [kept] }

    /// Adds `rows` rows of `dy`.
    /// - Parameter isFirst: Whether the shard's sum begins with them.
    func add(_ dy: UnsafePointer<Float>, rows: Int, shard: Int, isFirst: Bool) {
        if isFirst { kept.clear(shard) }
        ColumnKernels.addColumnSums(dy, rows: rows, columns: kept.count, to: kept.pointer(shard))
    }

    /// Writes the gradient.
    func reduce(shards: Int) {
        let gradient = store.gradient(bias)
        for c in 0..<kept.count { gradient[c] = Float(kept.total(c, shards: shards)) }
    }
}
