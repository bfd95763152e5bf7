import Kernels
import Tensors

/// The pieces that Winograd processes at once: consecutive images, or rows of tiles of one.
struct WinogradPieces {
    let winograd: Winograd
    let images: Int
    let rows: Int

    init(_ geometry: ConvolutionGeometry, _ tile: Winograd.Tile, rows: Int) {
        winograd = Winograd(geometry, tile: tile)
        images = min(max(1, rows / winograd.tilesHigh), LoweringTask.mostImages)
        self.rows = min(rows, winograd.tilesHigh)
    }

    var scratchFloats: Int { winograd.scratchFloats(images: images, rows: rows) }
    /// The number of tiles in a piece.
    var tiles: Int { images * rows * winograd.tilesWide }

    func forEach(_ count: Int, _ body: (_ images: Range<Int>, _ rows: Range<Int>) -> Void) {
        for first in stride(from: 0, to: count, by: images) {
            let group = first..<min(first + images, count)
            for row in stride(from: 0, to: winograd.tilesHigh, by: rows) {
                body(group, row..<min(row + rows, winograd.tilesHigh))
            }
        }
    }
}

extension Lowering {
    /// Returns Winograd's pieces, or `nil` for another kind.
    func pieces(_ geometry: ConvolutionGeometry) -> WinogradPieces? {
        kind.winogradTile.map { WinogradPieces(geometry, $0, rows: rows) }
    }

    /// Returns the number of scratch floats that a worker needs to compute `geometry` this way.
    fileprivate func scratchFloats(_ geometry: ConvolutionGeometry) -> Int {
        switch kind {
        case .im2col: min(rows, geometry.outRows) * geometry.depth
        case .shifted: ShiftedConvolution(geometry).scratchFloats(tileRows: rows)
        case .direct: DirectConvolution(geometry).scratchFloats
        case .winograd2, .winograd4, .winogradLine: pieces(geometry)?.scratchFloats ?? 0
        }
    }
}

/// A convolution's forward pass or input gradient, lowered.
struct LoweredProduct {
    private let task: LoweringTask
    private let geometry: ConvolutionGeometry
    private let lowering: Lowering
    private let pieces: WinogradPieces?
    /// Winograd's transformed weights.
    private let transformed: AlignedBuffer<Float>
    /// The flipped or transposed kernel of an input gradient.
    private let prepared: AlignedBuffer<Float>
    let scratchFloats: Int

    /// - Parameter sharing: Another product with the same weights, whose ``prepare(_:)`` serves both.
    /// - Precondition: `task.allows(lowering.kind)`, and the direction is not the weight gradient.
    init(_ task: LoweringTask, _ lowering: Lowering, sharing other: LoweredProduct? = nil) {
        precondition(task.direction != .weightGradient && task.allows(lowering.kind), "no such lowering here")
        self.task = task
        self.lowering = lowering
        geometry = task.computed
        pieces = lowering.pieces(geometry)
        transformed = other?.transformed ?? AlignedBuffer(count: pieces?.winograd.weightFloats ?? 0)
        prepared = other?.prepared ?? AlignedBuffer(count: task.direction == .inputGradient ? geometry.weightCount : 0)
        scratchFloats = lowering.scratchFloats(geometry)
    }

    /// Prepares the weights `w` `[kH·kW·C, F]`. Call it once after each change.
    func prepare(_ w: UnsafePointer<Float>) {
        if task.direction == .inputGradient {
            Convolution.prepareWeights(task.geometry, w: w, into: prepared.pointer)
        }
        pieces?.winograd.transformWeights(
            task.direction == .forward ? w : UnsafePointer(prepared.pointer), into: transformed.pointer)
    }

    /// Computes `y` of consecutive images (for an input gradient, `∂X` of `x` = `∂Y`); `afterRows` is passed finished
    /// rows while they are in cache.
    /// - Parameter layerWeights: The weights `[kH·kW·C, F]`.
    func run(
        images: Int, x: UnsafePointer<Float>, layerWeights: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
        relu: Bool = false, y: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>,
        afterRows: (_ rows: Int, _ y: UnsafeMutablePointer<Float>) -> Void = { _, _ in }
    ) {
        let w = task.direction == .forward ? layerWeights : UnsafePointer(prepared.pointer)
        if let pieces {
            let side = pieces.winograd.tile.height, line = geometry.outWidth * geometry.filters
            pieces.forEach(images) { group, rows in
                let first = group.lowerBound
                pieces.winograd.forward(
                    images: group.count, rows: rows, x: x + first * geometry.inputCount, u: transformed.pointer,
                    bias: bias, relu: relu, y: y + first * geometry.outputCount, scratch: scratch)
                let top = rows.lowerBound * side, bottom = min(rows.upperBound * side, geometry.outHeight)
                afterRows(
                    group.count * (bottom - top) * geometry.outWidth, y + first * geometry.outputCount + top * line)
            }
            return
        }
        for image in 0..<images {
            if task.isScattered {
                Convolution.inputGradient(
                    task.geometry, tileRows: lowering.rows, dy: x + image * task.geometry.outputCount,
                    preparedWeights: w, dx: y + image * task.geometry.inputCount, scratch: scratch)
                continue
            }
            let source = x + image * geometry.inputCount, target = y + image * geometry.outputCount
            switch lowering.kind {
            case .im2col:
                Convolution.forward(
                    geometry, tileRows: lowering.rows, x: source, w: w, bias: bias, relu: relu, y: target,
                    scratch: scratch, afterTile: afterRows)
            case .shifted:
                ShiftedConvolution(geometry).forward(
                    tileRows: lowering.rows, x: source, w: w, bias: bias, relu: relu, y: target, scratch: scratch,
                    afterTile: afterRows)
            case .direct:
                DirectConvolution(geometry).forward(
                    x: source, w: w, bias: bias, relu: relu, y: target, scratch: scratch)
                afterRows(geometry.outRows, target)
            case .winograd2, .winograd4, .winogradLine: preconditionFailure("Winograd works in pieces")
            }
        }
    }
}

/// A convolution's weight gradient, lowered.
struct LoweredWeightGradient {
    private let geometry: ConvolutionGeometry
    private let lowering: Lowering
    private let pieces: WinogradPieces?
    let scratchFloats: Int
    /// The number of floats that hold a shard's sums from its first images to its last.
    var sumFloats: Int { pieces?.winograd.weightFloats ?? 0 }

    /// - Precondition: The lowering's kind is eligible for the geometry.
    init(_ geometry: ConvolutionGeometry, _ lowering: Lowering) {
        precondition(lowering.kind.isEligible(for: geometry), "no such lowering here")
        self.geometry = geometry
        self.lowering = lowering
        pieces = lowering.pieces(geometry)
        scratchFloats = lowering.scratchFloats(geometry)
    }

    /// Computes `dw` of consecutive images, and adds it to that of the shard's earlier images.
    /// - Parameters:
    ///   - sums: ``sumFloats`` floats, left untouched between a shard's images.
    ///   - isFirst: Whether the sums begin here.
    ///   - isLast: Whether `dw` must be complete after this call.
    func run(
        images: Int, x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>,
        sums: UnsafeMutablePointer<Float>, isFirst: Bool, isLast: Bool, scratch: UnsafeMutablePointer<Float>
    ) {
        if let pieces {
            pieces.forEach(images) { group, rows in
                let first = group.lowerBound
                pieces.winograd.addWeightGradient(
                    images: group.count, rows: rows, x: x + first * geometry.inputCount,
                    dy: dy + first * geometry.outputCount, du: sums,
                    accumulate: !isFirst || first > 0 || rows.lowerBound > 0, scratch: scratch)
            }
            if isLast { pieces.winograd.finishWeightGradient(sums, into: dw) }
            return
        }
        for image in 0..<images {
            let source = x + image * geometry.inputCount, gradient = dy + image * geometry.outputCount
            let accumulate = !isFirst || image > 0
            switch lowering.kind {
            case .im2col:
                Convolution.weightGradient(
                    geometry, tileRows: lowering.rows, x: source, dy: gradient, dw: dw, accumulate: accumulate,
                    scratch: scratch)
            case .shifted:
                ShiftedConvolution(geometry).weightGradient(
                    tileRows: lowering.rows, x: source, dy: gradient, dw: dw, accumulate: accumulate, scratch: scratch)
            case .direct:
                DirectConvolution(geometry).weightGradient(
                    x: source, dy: gradient, dw: dw, accumulate: accumulate, scratch: scratch)
            case .winograd2, .winograd4, .winogradLine: preconditionFailure("Winograd works in pieces")
            }
        }
    }
}
