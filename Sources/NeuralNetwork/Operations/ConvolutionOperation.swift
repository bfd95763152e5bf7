import Kernels
import Tensors

/// `Y = im2col(X)·W (+ b)`, NHWC; `W` is `[kH·kW·C, F]`. Each direction is computed by its ``ConvolutionLowering``.
final class ConvolutionOperation: Operation {
    let name: String
    private let geometry: ConvolutionGeometry
    private let input: Storage
    /// The storage from which the backward pass reads the input.
    private let recomputedInput: Storage
    private let output: Storage
    private let outputGradient: Storage?
    private let inputGradient: Storage?
    private let store: ParameterStore
    let weights: LayerWeights
    /// Whether a ReLU is fused.
    let relu: Bool
    private let partials: GradientPartials?
    private let kernelPartial: Int
    private var biasGradient: BiasGradient?
    /// The batch-norm whose moments are accumulated from the output while it is in cache.
    private let moments: BatchNormOperation?

    let forwardProduct: LoweredProduct
    private let inputProduct: LoweredProduct?
    private let weightProduct: LoweredWeightGradient?
    /// Winograd's transformed weight gradients, one per worker, since a shard stays with its worker.
    private var weightSums: [AlignedBuffer<Float>] = []
    private let kernelScratch: Int

    init(
        _ emission: LayerEmission, geometry: ConvolutionGeometry, lowering: ConvolutionLowering, weights: LayerWeights
    ) {
        name = emission.node.name
        self.geometry = geometry
        input = emission.input
        recomputedInput = emission.recomputed.input ?? emission.input
        output = emission.output
        outputGradient = emission.outputGradient
        inputGradient = emission.inputGradient
        store = emission.store
        partials = emission.partials
        moments = emission.moments
        self.weights = weights
        relu = emission.rectifies
        kernelPartial = partials?.register(weights.kernel) ?? 0
        forwardProduct = LoweredProduct(LoweringTask(.forward, geometry), lowering.forward)
        inputProduct = inputGradient.map { _ in
            LoweredProduct(LoweringTask(.inputGradient, geometry), lowering.inputGradient)
        }
        weightProduct = partials.map { _ in LoweredWeightGradient(geometry, lowering.weightGradient) }
        let scratch = max(
            forwardProduct.scratchFloats, inputProduct?.scratchFloats ?? 0, weightProduct?.scratchFloats ?? 0)
        kernelScratch = (scratch + 15) / 16 * 16
    }

    var scratchFloats: Int { kernelScratch + (moments?.scratchFloats ?? 0) }

    func reads(_ pass: Pass) -> [Storage] {
        pass == .forward
            ? [input] : [partials == nil ? nil : recomputedInput, outputGradient].compactMap { $0 }
    }

    func writes(_ pass: Pass) -> [Storage] { pass == .forward ? [output] : [inputGradient].compactMap { $0 } }

    func prepare(capacity: Int, shards: Int, workers: Int) {
        guard let weightProduct else { return }
        biasGradient = BiasGradient(weights, learns: true, store: store, shards: shards)
        weightSums = (0..<workers).map { _ in AlignedBuffer(count: weightProduct.sumFloats) }
    }

    func refresh() {
        weights.refresh()
        forwardProduct.prepare(weights.w)
        inputProduct?.prepare(weights.w)
    }

    func run(_ pass: Pass, _ chunk: borrowing Chunk) {
        if pass == .forward { forward(chunk) } else { backward(chunk) }
    }

    private func forward(_ chunk: borrowing Chunk) {
        let momentsScratch = chunk.scratch + kernelScratch
        let shard = chunk.shard
        if chunk.isFirst { moments?.clearMoments(shard) }
        forwardProduct.run(
            images: chunk.images.count, x: input.pointer(chunk.images.lowerBound, chunk), layerWeights: weights.w,
            bias: weights.bias, relu: relu, y: output.pointer(chunk.images.lowerBound, chunk), scratch: chunk.scratch
        ) { rows, y in
            moments?.addMoments(y, rows: rows, shard: shard, scratch: momentsScratch)
        }
    }

    private func backward(_ chunk: borrowing Chunk) {
        guard let outputGradient else { return }
        let first = chunk.images.lowerBound, count = chunk.images.count
        let x = UnsafePointer(recomputedInput.pointer(first, chunk)),
            dy = UnsafePointer(outputGradient.pointer(first, chunk))
        if let partials, let weightProduct {
            weightProduct.run(
                images: count, x: x, dy: dy, dw: partials.pointer(kernelPartial, shard: chunk.shard),
                sums: weightSums[chunk.worker].pointer, isFirst: chunk.isFirst, isLast: chunk.isLast,
                scratch: chunk.scratch)
        }
        biasGradient?.add(dy, rows: count * geometry.outRows, shard: chunk.shard, isFirst: chunk.isFirst)
        if let inputGradient, let inputProduct {
            inputProduct.run(
                images: count, x: dy, layerWeights: weights.w, bias: nil, y: inputGradient.pointer(first, chunk),
                scratch: chunk.scratch)
        }
    }

    func sums(_ pass: Pass) -> [ShardSums] {
        switch pass {
        case .forward: moments?.sums(.moments) ?? []
        case .backward: biasGradient?.sums ?? []
        default: []
        }
    }

    func reduce(_ pass: Pass, _ run: Run) {
        if pass == .forward { moments?.reduce(.moments, run) }
        if pass == .backward { biasGradient?.reduce(shards: run.shards) }
    }
}
