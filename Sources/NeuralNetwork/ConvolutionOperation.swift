import Kernels
import Tensors

/// `Y = im2col(X)·W (+ b)`, NHWC; `W` is `[kH·kW·C, F]`. Each direction is lowered as ``ConvolutionLowering`` says.
final class ConvolutionOperation: Operation {
    let name: String
    private let geometry: ConvolutionGeometry
    private let input: Storage
    private let output: Storage
    private let outputGradient: Storage?
    private let inputGradient: Storage?
    private let store: ParameterStore
    private let weights: LayerWeights
    /// A ReLU that rides along.
    private let relu: Bool
    private let partials: GradientPartials?
    private let kernelPartial: Int
    private var biasSums: ShardSums?
    /// Batch-norm that takes its moments from the output while it is in cache.
    private let moments: BatchNormOperation?

    private let forwardLowering: LoweredProduct
    private let inputLowering: LoweredProduct?
    private let weightLowering: Lowering
    /// Winograd's transformed weight gradient, one a worker: a shard stays with its worker.
    private var weightSums: [AlignedBuffer<Float>] = []
    private let kernelScratch: Int

    init(
        node: ResolvedGraph.Node, geometry: ConvolutionGeometry, input: Storage, output: Storage,
        outputGradient: Storage?, inputGradient: Storage?, store: ParameterStore, weights: LayerWeights, relu: Bool,
        partials: GradientPartials?, moments: BatchNormOperation?
    ) {
        name = node.name
        self.geometry = geometry
        self.input = input
        self.output = output
        self.outputGradient = outputGradient
        self.inputGradient = inputGradient
        self.store = store
        self.partials = partials
        self.moments = moments
        self.weights = weights
        self.relu = relu
        kernelPartial = partials?.register(weights.kernel) ?? 0
        let lowering = ConvolutionLowering(geometry)
        forwardLowering = LoweredProduct(geometry, lowering.forward)
        inputLowering =
            inputGradient == nil || !geometry.hasUnitStride
            ? nil : LoweredProduct(geometry.inputGradientGeometry, lowering.inputGradient)
        weightLowering = lowering.weightGradient
        var scratch = max(forwardLowering.scratchFloats, inputLowering?.scratchFloats ?? 0)
        if partials != nil {
            scratch = max(scratch, LoweredProduct(geometry, weightLowering).scratchFloats)
            if case .im2col(let rows) = lowering.inputGradient, inputLowering == nil, inputGradient != nil {
                scratch = max(scratch, rows * geometry.depth)
            }
        }
        kernelScratch = (scratch + 15) / 16 * 16
        stridedTile = {
            if case .im2col(let rows) = lowering.inputGradient { return rows }
            return 0
        }()
    }

    /// Rows a tile of the input gradient of a strided convolution.
    private let stridedTile: Int
    private var stridedWeights = AlignedBuffer<Float>(count: 0)

    var scratchFloats: Int { kernelScratch + (moments?.scratchFloats ?? 0) }

    func reads(_ pass: Pass) -> [Storage] {
        pass == .forward ? [input] : [input, outputGradient].compactMap { $0 }
    }

    func writes(_ pass: Pass) -> [Storage] { pass == .forward ? [output] : [inputGradient].compactMap { $0 } }

    func prepare(capacity: Int, shards: Int, workers: Int) {
        guard partials != nil else { return }
        if weights.biasTensor != nil { biasSums = ShardSums(count: geometry.filters, shards: shards) }
        if case .winograd(let tile) = weightLowering {
            let floats = Winograd(geometry, tile: tile).weightFloats
            weightSums = (0..<workers).map { _ in AlignedBuffer(count: floats) }
        }
        if inputGradient != nil, inputLowering == nil { stridedWeights = AlignedBuffer(count: geometry.weightCount) }
    }

    func refresh() {
        weights.refresh()
        let w = weights.w
        forwardLowering.prepare(w)
        if let inputLowering {
            let flipped = inputLowering.flipped
            Convolution.prepareWeights(geometry, w: w, into: flipped.pointer)
            inputLowering.prepare(UnsafePointer(flipped.pointer))
        } else if inputGradient != nil {
            Convolution.prepareWeights(geometry, w: w, into: stridedWeights.pointer)
        }
    }

    func run(_ pass: Pass, _ chunk: borrowing Chunk) {
        if pass == .forward { forward(chunk) } else { backward(chunk) }
    }

    private func forward(_ chunk: borrowing Chunk) {
        let momentsScratch = chunk.scratch + kernelScratch
        let shard = chunk.shard
        if chunk.isFirst { moments?.clearMoments(shard) }
        forwardLowering.run(
            images: chunk.images.count, x: input.pointer(chunk.images.lowerBound, chunk), w: weights.w,
            bias: weights.bias, relu: relu, y: output.pointer(chunk.images.lowerBound, chunk), scratch: chunk.scratch
        ) { rows, y in
            moments?.addMoments(y, rows: rows, shard: shard, scratch: momentsScratch)
        }
    }

    private func backward(_ chunk: borrowing Chunk) {
        guard let outputGradient else { return }
        let first = chunk.images.lowerBound, count = chunk.images.count
        let x = UnsafePointer(input.pointer(first, chunk)), dy = UnsafePointer(outputGradient.pointer(first, chunk))
        weightGradient(x, dy, chunk)
        if let biasSums {
            if chunk.isFirst { biasSums.clear(chunk.shard) }
            ColumnKernels.addColumnSums(
                dy, rows: count * geometry.outRows, columns: geometry.filters, to: biasSums.pointer(chunk.shard))
        }
        guard let inputGradient else { return }
        let dx = inputGradient.pointer(first, chunk)
        if let inputLowering {
            inputLowering.run(
                images: count, x: dy, w: UnsafePointer(inputLowering.flipped.pointer), bias: nil, y: dx,
                scratch: chunk.scratch)
        } else {
            for image in 0..<count {
                Convolution.inputGradient(
                    geometry, tileRows: stridedTile, dy: dy + image * geometry.outputCount,
                    preparedWeights: stridedWeights.pointer, dx: dx + image * geometry.inputCount,
                    scratch: chunk.scratch)
            }
        }
    }

    private func weightGradient(_ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ chunk: borrowing Chunk) {
        guard let partials else { return }
        let dw = partials.pointer(kernelPartial, shard: chunk.shard)
        let count = chunk.images.count
        switch weightLowering {
        case .im2col(let rows):
            for image in 0..<count {
                Convolution.weightGradient(
                    geometry, tileRows: rows, x: x + image * geometry.inputCount,
                    dy: dy + image * geometry.outputCount, dw: dw, accumulate: !chunk.isFirst || image > 0,
                    scratch: chunk.scratch)
            }
        case .direct:
            let direct = DirectConvolution(geometry)
            for image in 0..<count {
                direct.weightGradient(
                    x: x + image * geometry.inputCount, dy: dy + image * geometry.outputCount, dw: dw,
                    accumulate: !chunk.isFirst || image > 0, scratch: chunk.scratch)
            }
        case .winograd(let tile):
            let winograd = Winograd(geometry, tile: tile)
            let sums = weightSums[chunk.worker].pointer
            let together = LoweredProduct.imagesTogether(winograd)
            for image in stride(from: 0, to: count, by: together) {
                winograd.addWeightGradient(
                    images: min(together, count - image), x: x + image * geometry.inputCount,
                    dy: dy + image * geometry.outputCount, du: sums, accumulate: !chunk.isFirst || image > 0,
                    scratch: chunk.scratch)
            }
            if chunk.isLast { winograd.finishWeightGradient(sums, into: dw) }
        }
    }

    func reduce(_ pass: Pass, _ run: Run) {
        if pass == .forward { moments?.reduce(.moments, run) }
        guard pass == .backward, let bias = weights.biasTensor, let biasSums else { return }
        let gradient = store.gradient(bias)
        for c in 0..<geometry.filters { gradient[c] = Float(biasSums.total(c, shards: run.shards)) }
    }
}

/// A convolution in one direction, lowered: the forward pass, or the input gradient as the convolution it is.
struct LoweredProduct {
    private let geometry: ConvolutionGeometry
    private let lowering: Lowering
    /// Winograd's transformed weights.
    private let transformed: AlignedBuffer<Float>
    /// Room for the flipped kernel, for an input gradient.
    let flipped: AlignedBuffer<Float>
    let scratchFloats: Int

    /// Floats of Winograd scratch that stay in a core's L2 cache.
    private static let cacheFloats = 131_072

    init(_ geometry: ConvolutionGeometry, _ lowering: Lowering) {
        self.geometry = geometry
        self.lowering = lowering
        switch lowering {
        case .im2col(let rows):
            transformed = AlignedBuffer(count: 0)
            scratchFloats = rows * geometry.depth
        case .direct:
            transformed = AlignedBuffer(count: 0)
            scratchFloats = DirectConvolution(geometry).scratchFloats
        case .winograd(let tile):
            let winograd = Winograd(geometry, tile: tile)
            transformed = AlignedBuffer(count: winograd.weightFloats)
            scratchFloats = winograd.scratchFloats(images: Self.imagesTogether(winograd))
        }
        flipped = AlignedBuffer(count: geometry.weightCount)
    }

    /// Images that Winograd transforms at once: as many as the cache holds, at least one.
    static func imagesTogether(_ winograd: Winograd) -> Int {
        max(1, cacheFloats / winograd.scratchFloats(images: 1))
    }

    /// Once after each change of the weights.
    func prepare(_ w: UnsafePointer<Float>) {
        guard case .winograd(let tile) = lowering else { return }
        Winograd(geometry, tile: tile).transformWeights(w, into: transformed.pointer)
    }

    /// `y` of consecutive images; `afterRows` sees finished rows while they are in cache.
    func run(
        images: Int, x: UnsafePointer<Float>, w: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
        relu: Bool = false, y: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>,
        afterRows: (_ rows: Int, _ y: UnsafeMutablePointer<Float>) -> Void = { _, _ in }
    ) {
        switch lowering {
        case .im2col(let rows):
            for image in 0..<images {
                Convolution.forward(
                    geometry, tileRows: rows, x: x + image * geometry.inputCount, w: w, bias: bias,
                    relu: relu, y: y + image * geometry.outputCount, scratch: scratch, afterTile: afterRows)
            }
        case .direct:
            let direct = DirectConvolution(geometry)
            for image in 0..<images {
                let target = y + image * geometry.outputCount
                direct.forward(
                    x: x + image * geometry.inputCount, w: w, bias: bias, relu: relu, y: target, scratch: scratch)
                afterRows(geometry.outRows, target)
            }
        case .winograd(let tile):
            let winograd = Winograd(geometry, tile: tile)
            let together = Self.imagesTogether(winograd)
            for image in stride(from: 0, to: images, by: together) {
                let count = min(together, images - image), target = y + image * geometry.outputCount
                winograd.forward(
                    images: count, x: x + image * geometry.inputCount, u: transformed.pointer, bias: bias, relu: relu,
                    y: target, scratch: scratch)
                afterRows(count * geometry.outRows, target)
            }
        }
    }
}
