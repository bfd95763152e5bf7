import Tensors
import Workers

/// Count, mean and sum of squared deviations per column, accumulated over batches in `Double` (Chan, Golub, LeVeque
/// 1979).
struct PooledMoments {
    private(set) var count, mean, squares: [Double]

    init(columns: Int) {
        count = [Double](repeating: 0, count: columns)
        mean = count
        squares = count
    }

    /// Adds the moments of `count` more rows, at least one.
    mutating func add(column c: Int, count rows: Double, mean batchMean: Double, squares batchSquares: Double) {
        let delta = batchMean - mean[c], total = count[c] + rows
        mean[c] += delta * (rows / total)
        squares[c] += batchSquares + delta * delta * (count[c] * rows / total)
        count[c] = total
    }
}

/// Recomputes batch-norm's statistics for given weights over many images. Averaged weights need this, since no training
/// batch has seen their activations.
///
/// Batches pass through the network in order, each batch-norm normalising by its batch, without dropout. A layer's
/// running mean becomes the mean `μ` of all R rows that it read, its running variance `Σ(x − μ)²/(R − 1)`, over all
/// rows together, whereas PyTorch's `update_bn` averages the variances of the batches. Shards are fixed, and moments
/// are combined in `Double` in the order of shards and batches: the same bits for every thread count. Costs one forward
/// pass per image.
///
/// Source: P. Izmailov et al., "Averaging weights leads to wider optima and better generalization", 2018,
/// arXiv:1803.05407, section 3.2.
package final class BatchNormStatistics {
    private let store: ParameterStore
    private let plan: Plan
    private let norms: [BatchNormOperation]
    package let batchSize: Int

    /// - Parameters:
    ///   - batchSize: The maximum number of images in a call of ``add(images:count:)``, at least 2.
    ///   - shards: The number of shards a batch is split into, at least 1.
    ///   - communicator: Connects the processes that share the images, all of which receive the statistics.
    /// - Returns: `nil` if the network has no batch-norm, or only frozen ones.
    package init?(
        graph: ResolvedGraph, batchSize: Int, shards: Int, pool: WorkerPool,
        communicator: any Communicator = SingleRank()
    ) {
        precondition(batchSize >= 2 && shards >= 1, "BatchNormStatistics: batches of two images and more, in shards")
        self.batchSize = batchSize
        store = ParameterStore(
            parameters: AlignedBuffer(count: graph.parameterCount), state: graph.initialState(), withGradients: false)
        var compiler = GraphCompiler(graph: graph, store: store, partials: nil, takesStatistics: true)
        let program = compiler.compile()
        var seen = Set<ObjectIdentifier>()
        norms = program.steps.compactMap { $0.operation as? BatchNormOperation }
            .filter { $0.training && seen.insert(ObjectIdentifier($0)).inserted }
        guard !norms.isEmpty else { return nil }
        plan = Plan(
            program: program, capacity: batchSize, sharding: .count(shards), seed: 0, pool: pool,
            communicator: communicator)
    }

    /// Starts over with copies of the parameters `[parameterCount]`.
    /// - Parameter state: The running statistics `[stateCount]`, which frozen batch-norms use; `nil` if none is frozen.
    package func begin(parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>? = nil) {
        store.parameters.copy(from: parameters)
        if let state { store.state.copy(from: state) }
        plan.refresh()
        for norm in norms { norm.beginPooling() }
    }

    /// A function that returns the images of a batch of the given size that this process computes: all of them if it
    /// runs alone.
    package var batchPart: @Sendable (_ count: Int) -> Range<Int> { plan.batchPart }

    /// Adds a batch of `count` images `[count, H, W, C]`; `images` holds only those of ``batchPart``.
    package func add(images: AlignedBuffer<Float>, count: Int) {
        plan.begin(count: count)
        plan.execute(images: images.pointer)
    }

    /// Writes the running statistics, those accumulated and those of frozen batch-norms, to `state`, `[stateCount]`.
    package func finish(into state: AlignedBuffer<Float>) {
        state.copy(from: store.state)
        for norm in norms { norm.writePooled(to: state) }
    }
}
