import Kernels
import LinearAlgebra
import Tensors

/// `Y = X·W + b`, with `X` `[N, in]` and `W` `[in, out]`; gradients `dW = Xᵀ·dY`, `dX = dY·Wᵀ`, `db = Σ dY`. For
/// weights that fit a core's cache: each shard multiplies its own images and keeps its own weight gradient.
final class DenseOperation: Operation {
    let name: String
    private let core: DenseCore
    private let partials: GradientPartials?
    private let kernelPartial: Int
    private var biasGradient: BiasGradient?

    init(core: DenseCore, partials: GradientPartials?) {
        name = core.name
        self.core = core
        self.partials = partials
        kernelPartial = partials?.register(core.weights.kernel) ?? 0
    }

    func reads(_ pass: Pass) -> [Storage] { core.reads(pass) }
    func writes(_ pass: Pass) -> [Storage] { core.writes(pass) }

    func refresh() { core.weights.refresh() }

    func prepare(capacity: Int, shards: Int, workers: Int) {
        biasGradient = BiasGradient(core.weights, learns: core.learns, store: core.store, shards: shards)
    }

    func run(_ pass: Pass, _ chunk: borrowing Chunk) {
        let first = chunk.images.lowerBound, rows = chunk.images.count
        let x = core.input.pointer(first, chunk)
        if pass == .forward {
            core.forward(x: x, rows: rows, columns: 0..<core.units, y: core.output.pointer(first, chunk))
            return
        }
        guard let outputGradient = core.outputGradient else { return }
        let dy = outputGradient.pointer(first, chunk)
        if let partials {
            BLAS.gemm(
                .yes, .no, m: core.features, n: core.units, k: rows, a: x, lda: core.features, b: dy, ldb: core.units,
                beta: chunk.isFirst ? 0 : 1, c: partials.pointer(kernelPartial, shard: chunk.shard), ldc: core.units)
        }
        biasGradient?.add(dy, rows: rows, shard: chunk.shard, isFirst: chunk.isFirst)
        if let inputGradient = core.inputGradient {
            core.inputGradient(
                dy: dy, rows: rows, features: 0..<core.features, dx: inputGradient.pointer(first, chunk))
        }
    }

    func sums(_ pass: Pass) -> [ShardSums] { pass == .backward ? biasGradient?.sums ?? [] : [] }

    func reduce(_ pass: Pass, _ run: Run) {
        if pass == .backward { biasGradient?.reduce(shards: run.shards) }
    }
}

/// A dense layer whose weights are too large for a core's cache. Work is divided into blocks of weights instead of
/// images, so that each block is read once per pass and the weight gradient needs no partial sums. With several ranks,
/// each gathers the activations and computes all blocks, which sends less than exchanging the weights' gradient would.
final class BlockedDenseOperation: BlockOperation {
    let name: String
    private let core: DenseCore
    static let blockRows = 128
    static let blockUnits = 64
    private let blockFeatures: Int
    private var biasGradient: BiasGradient?

    init(core: DenseCore, blockFeatures: Int) {
        name = core.name
        self.core = core
        self.blockFeatures = blockFeatures
    }

    func reads(_ pass: Pass) -> [Storage] { core.reads(pass) }
    func writes(_ pass: Pass) -> [Storage] { core.writes(pass) }
    func prepare(capacity: Int, shards: Int, workers: Int) {
        biasGradient = BiasGradient(core.weights, learns: core.learns, store: core.store, shards: 1)
    }

    func gathers(_ pass: Pass) -> [Storage] {
        pass == .forward ? [core.input] : [core.outputGradient].compactMap { $0 }
    }

    func refresh() { core.weights.refresh() }

    private func blocks(_ extent: Int, _ size: Int) -> Int { (extent + size - 1) / size }

    func blockCount(_ pass: Pass, _ run: Run) -> Int {
        pass == .forward
            ? blocks(run.count, Self.blockRows) * blocks(core.units, Self.blockUnits)
            : blocks(core.features, blockFeatures)
    }

    func runBlock(_ pass: Pass, block: Int, scratch: UnsafeMutablePointer<Float>, _ run: Run) {
        let x = core.input.batchPointer
        if pass == .forward {
            let across = blocks(core.units, Self.blockUnits)
            let row = block / across * Self.blockRows, unit = block % across * Self.blockUnits
            core.forward(
                x: x + row * core.features, rows: min(Self.blockRows, run.count - row),
                columns: unit..<min(unit + Self.blockUnits, core.units),
                y: core.output.batchPointer + row * core.units)
            return
        }
        guard let outputGradient = core.outputGradient else { return }
        let dy = outputGradient.batchPointer
        let feature = block * blockFeatures
        let features = feature..<min(feature + blockFeatures, core.features)
        if core.learns {
            BLAS.gemm(
                .yes, .no, m: features.count, n: core.units, k: run.count, a: x + feature, lda: core.features, b: dy,
                ldb: core.units, c: core.store.gradient(core.weights.kernel) + feature * core.units, ldc: core.units)
        }
        if let inputGradient = core.inputGradient {
            core.inputGradient(dy: dy, rows: run.count, features: features, dx: inputGradient.batchPointer)
        }
    }

    func reduce(_ pass: Pass, _ run: Run) {
        guard pass == .backward, let biasGradient, let outputGradient = core.outputGradient else { return }
        biasGradient.add(outputGradient.batchPointer, rows: run.count, shard: 0, isFirst: true)
        biasGradient.reduce(shards: 1)
    }
}

/// The storages and products that both dense operations share.
struct DenseCore {
    let name: String
    let features: Int
    let units: Int
    let weights: LayerWeights
    /// Whether a ReLU is fused.
    let relu: Bool
    let input: Storage
    let output: Storage
    let outputGradient: Storage?
    let inputGradient: Storage?
    let store: ParameterStore
    /// Whether the weights need a gradient.
    let learns: Bool
    /// The number of rows of a product at most. A BLAS may sum in another order for another number of rows: where each
    /// image must have the bits it has alone, every row is a product of its own.
    private let mostRows: Int

    init(_ emission: LayerEmission, weights: LayerWeights) {
        name = emission.node.name
        features = emission.node.inputShapes[0].count
        units = emission.node.outputShape.count
        self.weights = weights
        relu = emission.rectifies
        input = emission.input
        output = emission.output
        outputGradient = emission.outputGradient
        inputGradient = emission.inputGradient
        store = emission.store
        learns = emission.learns
        mostRows = emission.striping == nil ? .max : 1
    }

    func reads(_ pass: Pass) -> [Storage] {
        pass == .forward ? [input] : [learns ? input : nil, outputGradient].compactMap { $0 }
    }

    func writes(_ pass: Pass) -> [Storage] { pass == .forward ? [output] : [inputGradient].compactMap { $0 } }

    /// Computes columns `columns` of `Y = X·W + b`, followed by the fused ReLU, if any.
    func forward(x: UnsafePointer<Float>, rows: Int, columns: Range<Int>, y: UnsafeMutablePointer<Float>) {
        let first = columns.lowerBound
        let together = max(1, min(rows, mostRows))
        for row in stride(from: 0, to: rows, by: together) {
            BLAS.gemm(
                m: together, n: columns.count, k: features, a: x + row * features, lda: features,
                b: weights.w + first, ldb: units, c: y + row * units + first, ldc: units)
        }
        let bias = weights.bias
        guard bias != nil || relu else { return }
        for row in 0..<rows {
            ColumnKernels.finish(
                y + row * units + first, rows: 1, columns: columns.count, bias: bias.map { $0 + first }, relu: relu)
        }
    }

    /// Computes columns `features` of `dX = dY·Wᵀ`.
    func inputGradient(
        dy: UnsafePointer<Float>, rows: Int, features range: Range<Int>, dx: UnsafeMutablePointer<Float>
    ) {
        BLAS.gemm(
            .no, .yes, m: rows, n: range.count, k: units, a: dy, lda: units,
            b: weights.w + range.lowerBound * units, ldb: units, c: dx + range.lowerBound,
            ldc: features)
    }
}
