import Tensors
import Workers

/// Count, mean and sum of squared deviations of columns, joined batch by batch in Double (Chan, Golub, LeVeque 1979).
struct PooledMoments {
    private(set) var count, mean, squares: [Double]

    init(columns: Int) {
        count = [Double](repeating: 0, count: columns)
        mean = count
        squares = count
    }

    /// Takes in the moments of `count` more rows, at least one.
    mutating func add(column c: Int, count rows: Double, mean batchMean: Double, squares batchSquares: Double) {
        let delta = batchMean - mean[c], total = count[c] + rows
        mean[c] += delta * (rows / total)
        squares[c] += batchSquares + delta * delta * (count[c] * rows / total)
        count[c] = total
    }
}

/// Batch-norm's statistics of given weights over many images: what averaged weights need, whose activations no batch of
/// the training has seen.
///
/// Batches go through the network in order, each batch-norm normalising by its batch and dropout left out. A layer's
/// running mean becomes the mean `μ` of all R rows that it read, its running variance `Σ(x − μ)²/(R − 1)`: of all rows
/// together, where PyTorch's `update_bn` takes the mean of the batches' variances. Shards are fixed and moments joined in
/// Double in the order of shards and batches: the same bits for every thread count. Cost: one forward pass an image.
///
/// Source: P. Izmailov et al., "Averaging weights leads to wider optima and better generalization", 2018,
/// arXiv:1803.05407, section 3.2.
package final class BatchNormStatistics {
    private let store: ParameterStore
    private let plan: Plan
    private let norms: [BatchNormOperation]
    package let batchSize: Int

    /// - Parameters:
    ///   - batchSize: the most images a call of ``add(images:count:)`` is given, at least 2.
    ///   - shards: parts a batch is cut into, at least 1.
    ///   - communicator: of the processes that share the images, all of which are given the statistics.
    /// - Returns: nil where the network has no batch-norm, or only frozen ones.
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

    /// Begins anew, with copies of the parameters `[parameterCount]`.
    /// - Parameter state: the running statistics, `[stateCount]`, which frozen batch-norms go by; nil where none is frozen.
    package func begin(parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>? = nil) {
        store.parameters.copy(from: parameters)
        if let state { store.state.copy(from: state) }
        plan.refresh()
        for norm in norms { norm.beginPooling() }
    }

    /// The images that this process computes of a batch of so many: all, where it is on its own.
    package var batchPart: @Sendable (_ count: Int) -> Range<Int> { plan.batchPart }

    /// Takes in `count` images `[count, H, W, C]`, of which those of ``batchPart`` are there.
    package func add(images: AlignedBuffer<Float>, count: Int) {
        plan.begin(count: count)
        plan.execute(images: images.pointer)
    }

    /// Writes the running statistics, those that were gathered and those of frozen batch-norms, into `state`, `[stateCount]`.
    package func finish(into state: AlignedBuffer<Float>) {
        state.copy(from: store.state)
        for norm in norms { norm.writePooled(to: state) }
    }
}
