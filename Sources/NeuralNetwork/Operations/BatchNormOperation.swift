import Kernels
import Tensors

/// Batch normalisation over the columns, with the ReLU that follows it if it can be fused; formulas in
/// ``BatchNormKernels``. Training uses the statistics of the whole batch: a step combines the moments of all shards,
/// including those of other ranks, before the first image is normalised. Inference uses the running statistics,
/// `running ← (1 − momentum)·running + momentum·batch`, with the unbiased variance.
final class BatchNormOperation: Operation {
    let name: String
    private let columns: Int
    private let rowsPerImage: Int
    private let momentum: Float
    private let epsilon: Float
    private let relu: Bool
    /// Whether it uses the batch's statistics and learns, rather than using the running statistics.
    let training: Bool
    private let input: Storage
    private let output: Storage
    private let outputGradient: Storage?
    /// What `backward` reads if `outputGradient` is recomputed instead of being stored after the gradient sums.
    private let recomputedOutputGradient: Storage?
    private let inputGradient: Storage?
    /// The fused max pooling, see ``PooledBatchNormKernels``; the output is then the pooled one.
    private let pooling: Pooling?
    /// The destination of the output recomputed for a backward pass that needs it.
    private let recomputedOutput: Storage?
    private let store: ParameterStore
    private let gamma, beta, runningMean, runningVariance: ParameterTensor
    private var moments: ShardSums?
    private var gradientSums: ShardSums?
    private var inverseDeviation: [Double]
    /// Accumulates the moments of many batches; if set, the running statistics do not change.
    private var pooled: PooledMoments?
    // Rows repeated to the period of `ColumnKernels`.
    private let mean, scale, shift, slope, offset: AlignedBuffer<Float>

    init(_ emission: LayerEmission, momentum: Float, epsilon: Float) {
        let node = emission.node
        name = node.name
        columns = node.outputShape.channels
        rowsPerImage = node.outputShape.rows
        self.momentum = momentum
        self.epsilon = epsilon
        relu = emission.rectifies
        training = emission.usesBatchMoments
        input = emission.input
        output = emission.output
        recomputedOutput = emission.recomputed.output
        outputGradient = emission.outputGradient
        recomputedOutputGradient = emission.recomputed.outputGradient
        inputGradient = emission.inputGradient
        pooling = emission.pooling.map(Pooling.init)
        store = emission.store
        gamma = node.parameters[0]
        beta = node.parameters[1]
        runningMean = node.state[0]
        runningVariance = node.state[1]
        inverseDeviation = [Double](repeating: 0, count: columns)
        let period = ColumnKernels.period(columns)
        mean = AlignedBuffer(count: period)
        scale = AlignedBuffer(count: period)
        shift = AlignedBuffer(count: period)
        slope = AlignedBuffer(count: period)
        offset = AlignedBuffer(count: period)
    }

    var scratchFloats: Int { 2 * ColumnKernels.period(columns) }

    func reads(_ pass: Pass) -> [Storage] {
        switch pass {
        case .moments, .forward, .recompute: [input]
        case .gradientSums: [pooling?.chosen ?? input, outputGradient].compactMap { $0 }
        case .backward: [input, recomputedOutputGradient ?? outputGradient].compactMap { $0 }
        }
    }

    func writes(_ pass: Pass) -> [Storage] {
        switch pass {
        case .forward: [output, pooling?.chosen].compactMap { $0 }
        case .recompute: [recomputedOutput].compactMap { $0 }
        case .backward: [inputGradient].compactMap { $0 }
        case .moments, .gradientSums: []
        }
    }

    func prepare(capacity: Int, shards: Int, workers: Int) {
        pooling?.prepare(capacity: capacity)
        guard training else { return }
        moments = ShardSums(count: BatchNormKernels.momentsCount(columns), shards: shards)
        gradientSums = ShardSums(count: 2 * columns, shards: shards)
    }

    /// Computes scale and shift from the running statistics, if those are used.
    func refresh() {
        guard !training else { return }
        let variance = store.state(runningVariance), average = store.state(runningMean)
        for c in 0..<columns {
            setAffine(c, mean: Double(average[c]), variance: Double(variance[c]))
        }
        expandAffine()
    }

    func clearMoments(_ shard: Int) { moments?.clear(shard) }

    func addMoments(
        _ x: UnsafePointer<Float>, rows: Int, shard: Int, scratch: UnsafeMutablePointer<Float>
    ) {
        guard let moments else { return }
        BatchNormKernels.addMoments(x, rows: rows, columns: columns, to: moments.pointer(shard), scratch: scratch)
    }

    func run(_ pass: Pass, _ chunk: borrowing Chunk) {
        let first = chunk.images.lowerBound, rows = chunk.images.count * rowsPerImage
        let x = input.pointer(first, chunk)
        switch pass {
        case .moments:
            if chunk.isFirst { clearMoments(chunk.shard) }
            addMoments(x, rows: rows, shard: chunk.shard, scratch: chunk.scratch)
        case .forward where pooling != nil: forwardPooled(chunk)
        case .backward where pooling != nil: backwardPooled(chunk)
        case .forward, .recompute:
            guard let target = pass == .forward ? output : recomputedOutput else { return }
            BatchNormKernels.apply(
                x, rows: rows, columns: columns, scale: scale.pointer, shift: shift.pointer, relu: relu,
                y: target.pointer(first, chunk))
        case .gradientSums:
            guard let outputGradient, let gradientSums else { return }
            if chunk.isFirst { gradientSums.clear(chunk.shard) }
            // After a pooling, only the pixels that it chose have a gradient.
            let chosen = pooling.map { ($0.chosen.pointer(first, chunk), $0.rows(chunk)) }
            BatchNormKernels.addGradientSums(
                dy: outputGradient.pointer(first, chunk), x: chosen?.0 ?? x, rows: chosen?.1 ?? rows,
                columns: columns, mean: mean.pointer,
                scale: scale.pointer, shift: shift.pointer, relu: relu, to: gradientSums.pointer(chunk.shard),
                scratch: chunk.scratch)
        case .backward:
            guard let outputGradient = recomputedOutputGradient ?? outputGradient, let inputGradient else { return }
            BatchNormKernels.inputGradient(
                dy: outputGradient.pointer(first, chunk), x: x, rows: rows, columns: columns, mean: mean.pointer,
                scale: scale.pointer, shift: shift.pointer, slope: slope.pointer, offset: offset.pointer, relu: relu,
                dx: inputGradient.pointer(first, chunk))
        }
    }

    private func forwardPooled(_ chunk: borrowing Chunk) {
        guard let pooling else { return }
        for image in chunk.images {
            PooledBatchNormKernels.forward(
                pooling.geometry, x: input.pointer(image, chunk), scale: scale.pointer, shift: shift.pointer,
                relu: relu, y: output.pointer(image, chunk), argmax: pooling.places(image, chunk),
                chosen: pooling.chosen.pointer(image, chunk))
        }
    }

    private func backwardPooled(_ chunk: borrowing Chunk) {
        guard let pooling, let outputGradient, let inputGradient else { return }
        for image in chunk.images {
            PooledBatchNormKernels.inputGradient(
                pooling.geometry, dy: outputGradient.pointer(image, chunk), argmax: pooling.places(image, chunk),
                x: input.pointer(image, chunk), mean: mean.pointer, scale: scale.pointer, shift: shift.pointer,
                slope: slope.pointer, offset: offset.pointer, relu: relu, dx: inputGradient.pointer(image, chunk))
        }
    }

    func sums(_ pass: Pass) -> [ShardSums] {
        switch pass {
        case .moments: [moments].compactMap { $0 }
        case .gradientSums: [gradientSums].compactMap { $0 }
        case .forward, .backward, .recompute: []
        }
    }

    func reduce(_ pass: Pass, _ run: Run) {
        switch pass {
        case .moments: reduceMoments(run)
        case .gradientSums: reduceGradientSums(run)
        case .forward, .backward, .recompute: break
        }
    }

    private func reduceMoments(_ run: Run) {
        guard let moments else { return }
        let average = store.state(runningMean), spread = store.state(runningVariance)
        for c in 0..<columns {
            var count = 0.0, batchMean = 0.0, squares = 0.0
            for shard in 0..<run.shards {
                let state = moments.pointer(shard)
                let rows = state[0]
                guard rows > 0 else { continue }
                let delta = state[1 + c] - batchMean
                let total = count + rows
                batchMean += delta * (rows / total)
                squares += state[1 + columns + c] + delta * delta * (count * rows / total)
                count = total
            }
            setAffine(c, mean: batchMean, variance: squares / count)
            if pooled != nil {
                pooled?.add(column: c, count: count, mean: batchMean, squares: squares)
                continue
            }
            let rate = Double(momentum)
            let unbiased = squares / max(count - 1, 1)
            average[c] = Float((1 - rate) * Double(average[c]) + rate * batchMean)
            spread[c] = Float((1 - rate) * Double(spread[c]) + rate * unbiased)
        }
        expandAffine()
    }

    /// Starts accumulating moments over batches.
    func beginPooling() { pooled = PooledMoments(columns: columns) }

    /// Writes the accumulated mean and unbiased variance over the running statistics in `target`.
    func writePooled(to target: AlignedBuffer<Float>) {
        guard let pooled else { return }
        for c in 0..<columns {
            target[runningMean.offset + c] = Float(pooled.mean[c])
            target[runningVariance.offset + c] = Float(pooled.squares[c] / max(pooled.count[c] - 1, 1))
        }
    }

    private func reduceGradientSums(_ run: Run) {
        guard let gradientSums else { return }
        let rows = Double(run.count * rowsPerImage)
        let gammaGradient = store.gradient(gamma), betaGradient = store.gradient(beta)
        for c in 0..<columns {
            let sum = gradientSums.total(c, shards: run.shards)
            let projection = gradientSums.total(columns + c, shards: run.shards) * inverseDeviation[c]
            betaGradient[c] = Float(sum)
            gammaGradient[c] = Float(projection)
            let factor = Double(store.parameter(gamma)[c]) * inverseDeviation[c]
            slope.pointer[c] = Float(-factor * projection * inverseDeviation[c] / rows)
            offset.pointer[c] = Float(-factor * sum / rows)
        }
        repeatRow(slope)
        repeatRow(offset)
    }

    private func setAffine(_ c: Int, mean average: Double, variance: Double) {
        let inverse = 1 / (variance + Double(epsilon)).squareRoot()
        let factor = Double(store.parameter(gamma)[c]) * inverse
        inverseDeviation[c] = inverse
        mean.pointer[c] = Float(average)
        scale.pointer[c] = Float(factor)
        shift.pointer[c] = Float(Double(store.parameter(beta)[c]) - average * factor)
    }

    private func expandAffine() {
        repeatRow(mean)
        repeatRow(scale)
        repeatRow(shift)
    }

    private func repeatRow(_ row: AlignedBuffer<Float>) {
        ColumnKernels.expand(row.pointer, columns: columns, into: row.pointer)
    }
}

extension BatchNormOperation {
    /// A fused max pooling in training, with what its backward pass needs.
    private final class Pooling {
        let geometry: PoolingGeometry
        /// The input values at the maxima.
        let chosen: Storage
        private var argmax = AlignedBuffer<Int32>(count: 0)

        init(_ geometry: PoolingGeometry) {
            self.geometry = geometry
            chosen = Storage(floatsPerImage: geometry.outputCount)
        }

        func prepare(capacity: Int) { argmax = AlignedBuffer(count: capacity * geometry.outputCount) }

        func places(_ image: Int, _ chunk: borrowing Chunk) -> UnsafeMutablePointer<Int32> {
            argmax.pointer + (image - chunk.run.images.lowerBound) * geometry.outputCount
        }

        /// Returns the number of pooled pixels in the chunk.
        func rows(_ chunk: borrowing Chunk) -> Int { chunk.images.count * geometry.outHeight * geometry.outWidth }
    }
}
