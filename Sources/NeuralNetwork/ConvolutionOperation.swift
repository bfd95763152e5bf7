import Kernels
import Tensors

/// `Y = im2col(X)·W (+ b)`, NHWC; `W` is `[kH·kW·C, F]`. Weight and input gradients as in ``Convolution``.
final class ConvolutionOperation: Operation {
    let name: String
    private let geometry: ConvolutionGeometry
    private let input: Storage
    private let output: Storage
    private let outputGradient: Storage?
    private let inputGradient: Storage?
    private let store: ParameterStore
    private let kernel: ParameterTensor
    private let bias: ParameterTensor?
    private let partials: GradientPartials?
    private let kernelPartial: Int
    private var biasSums: ShardSums?
    private var preparedWeights = AlignedBuffer<Float>(count: 0)
    /// Batch-norm that takes its moments from each tile while it is in cache.
    private let moments: BatchNormOperation?

    private let forwardTile, weightTile, inputTile: Int
    private let tileScratch: Int

    init(
        node: ResolvedGraph.Node, geometry: ConvolutionGeometry, input: Storage, output: Storage,
        outputGradient: Storage?, inputGradient: Storage?, store: ParameterStore, partials: GradientPartials?,
        moments: BatchNormOperation?
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
        kernel = node.parameters[0]
        bias = node.parameters.count > 1 ? node.parameters[1] : nil
        kernelPartial = partials?.register(kernel) ?? 0
        forwardTile = TileTable.rows(n: geometry.filters, k: geometry.depth, available: geometry.outRows)
        weightTile = forwardTile
        var scratch = forwardTile * geometry.depth
        if inputGradient == nil {
            inputTile = 0
        } else if geometry.hasUnitStride {
            let back = geometry.inputGradientGeometry
            inputTile = TileTable.rows(n: back.filters, k: back.depth, available: back.outRows)
            scratch = max(scratch, inputTile * back.depth)
        } else {
            inputTile = TileTable.rows(n: geometry.depth, k: geometry.filters, available: geometry.outRows)
            scratch = max(scratch, inputTile * geometry.depth)
        }
        tileScratch = (scratch + 15) / 16 * 16
    }

    var scratchFloats: Int { tileScratch + (moments?.scratchFloats ?? 0) }

    func reads(_ pass: Pass) -> [Storage] {
        pass == .forward ? [input] : [input, outputGradient].compactMap { $0 }
    }

    func writes(_ pass: Pass) -> [Storage] { pass == .forward ? [output] : [inputGradient].compactMap { $0 } }

    func prepare(capacity: Int, shards: Int) {
        if bias != nil, partials != nil { biasSums = ShardSums(count: geometry.filters, shards: shards) }
        if inputGradient != nil { preparedWeights = AlignedBuffer(count: geometry.weightCount) }
    }

    func refresh() {
        guard inputGradient != nil else { return }
        Convolution.prepareWeights(geometry, w: store.parameter(kernel), into: preparedWeights.pointer)
    }

    func run(_ pass: Pass, _ chunk: borrowing Chunk) {
        if pass == .forward { forward(chunk) } else { backward(chunk) }
    }

    private func forward(_ chunk: borrowing Chunk) {
        let w = UnsafePointer(store.parameter(kernel))
        let b = bias.map { UnsafePointer(store.parameter($0)) }
        let momentsScratch = chunk.scratch + tileScratch
        let shard = chunk.shard
        if chunk.isFirst { moments?.clearMoments(shard) }
        for image in chunk.images {
            Convolution.forward(
                geometry, tileRows: forwardTile, x: input.pointer(image, chunk), w: w, bias: b,
                y: output.pointer(image, chunk), scratch: chunk.scratch
            ) { rows, tile in
                moments?.addMoments(tile, rows: rows, shard: shard, scratch: momentsScratch)
            }
        }
    }

    private func backward(_ chunk: borrowing Chunk) {
        guard let outputGradient, let partials else { return }
        let dw = partials.pointer(kernelPartial, shard: chunk.shard)
        if chunk.isFirst { biasSums?.clear(chunk.shard) }
        for image in chunk.images {
            let dy = UnsafePointer(outputGradient.pointer(image, chunk))
            Convolution.weightGradient(
                geometry, tileRows: weightTile, x: input.pointer(image, chunk), dy: dy, dw: dw,
                accumulate: image > chunk.shardStart, scratch: chunk.scratch)
            if let biasSums {
                ColumnKernels.addColumnSums(
                    dy, rows: geometry.outRows, columns: geometry.filters, to: biasSums.pointer(chunk.shard))
            }
            if let inputGradient {
                Convolution.inputGradient(
                    geometry, tileRows: inputTile, dy: dy, preparedWeights: preparedWeights.pointer,
                    dx: inputGradient.pointer(image, chunk), scratch: chunk.scratch)
            }
        }
    }

    func reduce(_ pass: Pass, _ run: Run) {
        if pass == .forward { moments?.reduce(.moments, run) }
        guard pass == .backward, let bias, let biasSums else { return }
        let gradient = store.gradient(bias)
        for c in 0..<geometry.filters { gradient[c] = Float(biasSums.total(c, shards: run.shards)) }
    }
}

extension ResolvedGraph.Node {
    /// How the layer is computed, in words: `im2col, tiles of 96 rows`.
    public var lowering: String {
        switch layer {
        case .conv2d:
            guard case .convolution(let geometry)? = geometry else { return "" }
            let rows = TileTable.rows(n: geometry.filters, k: geometry.depth, available: geometry.outRows)
            return "\(geometry.isPointwise ? "GEMM" : "im2col"), tiles of \(rows) rows"
        case .dense:
            return inputShapes[0].count * outputShape.count >= DenseCore.blockedFromWeights
                ? "GEMM in blocks of weights" : "GEMM in shards of images"
        default: return ""
        }
    }
}
