import Kernels
import Tensors

/// Strips of output rows, for layers that split one image across workers. Their number depends on the layer only, so
/// that the result does not depend on the thread count.
struct Strips {
    /// The number of multiply-adds that justify a strip.
    private static let multiplyAdds = 4_000_000
    private static let most = 16
    /// The multiple at which strips begin, Winograd's larger tile.
    private static let alignment = 4

    let ranges: [Range<Int>]

    init(height: Int, multiplyAdds: Int, alignment: Int = Self.alignment) {
        let wanted = min(Self.most, max(2, multiplyAdds / Self.multiplyAdds))
        let each = max(1, (height + wanted * alignment - 1) / (wanted * alignment)) * alignment
        ranges = stride(from: 0, to: height, by: each).map { $0..<min($0 + each, height) }
    }
}

/// The convolution of single images at inference, in strips: of several, each is computed as it is alone.
final class StripedConvolution: BlockOperation {
    private struct Strip {
        let product: LoweredProduct
        let inputOffset: Int
        let outputOffset: Int
    }

    let name: String
    private let strips: [Strip]
    private let input, output: Storage
    private let weights: LayerWeights
    private let relu: Bool

    /// - Parameter whole: The same layer's operation on whole images, which prepares the weights.
    init(
        _ emission: LayerEmission, geometry g: ConvolutionGeometry, lowering: Lowering, whole: ConvolutionOperation
    ) {
        name = emission.node.name
        input = emission.input
        output = emission.output
        weights = whole.weights
        relu = whole.relu
        func part(_ rows: Range<Int>) -> (geometry: ConvolutionGeometry, inputOffset: Int) {
            var part = g
            part.outHeight = rows.count
            if g.isPointwise {
                part.height = rows.count
                return (part, rows.lowerBound * g.width * g.channels)
            }
            part.padTop -= rows.lowerBound * g.strideHeight
            return (part, 0)
        }
        var ranges = Strips(height: g.outHeight, multiplyAdds: g.multiplyAdds).ranges
        // Part of a padded 1×1 convolution may need no padding itself, and then has fewer lowerings.
        if !ranges.allSatisfy({ LoweringTask(.forward, part($0).geometry).allows(lowering.kind) }) {
            ranges = [0..<g.outHeight]
        }
        strips = ranges.map { rows in
            let (geometry, inputOffset) = part(rows)
            return Strip(
                product: LoweredProduct(LoweringTask(.forward, geometry), lowering, sharing: whole.forwardProduct),
                inputOffset: inputOffset, outputOffset: rows.lowerBound * g.outWidth * g.filters)
        }
    }

    var scratchFloats: Int { strips.map(\.product.scratchFloats).max() ?? 0 }
    func reads(_ pass: Pass) -> [Storage] { [input] }
    func writes(_ pass: Pass) -> [Storage] { [output] }
    func blockCount(_ pass: Pass, _ run: Run) -> Int { strips.count }

    func runBlock(_ pass: Pass, block: Int, scratch: UnsafeMutablePointer<Float>, _ run: Run) {
        let strip = strips[block]
        for image in 0..<run.count {
            strip.product.run(
                images: 1, x: input.batchPointer(image) + strip.inputOffset, layerWeights: weights.w,
                bias: weights.bias, relu: relu, y: output.batchPointer(image) + strip.outputOffset, scratch: scratch)
        }
    }
}

/// The pooling of single images at inference, in strips.
final class StripedPooling: BlockOperation {
    let name: String
    private let kind: PoolingOperation.Kind
    private let strips: [(geometry: PoolingGeometry, outputOffset: Int)]
    private let input, output: Storage

    init(_ emission: LayerEmission, kind: PoolingOperation.Kind, geometry g: PoolingGeometry) {
        name = emission.node.name
        self.kind = kind
        input = emission.input
        output = emission.output
        let work = g.outputCount * g.windowHeight * g.windowWidth
        strips = Strips(height: g.outHeight, multiplyAdds: work).ranges.map { rows in
            var part = g
            part.outHeight = rows.count
            part.padTop -= rows.lowerBound * g.strideHeight
            return (part, rows.lowerBound * g.outWidth * g.channels)
        }
    }

    func reads(_ pass: Pass) -> [Storage] { [input] }
    func writes(_ pass: Pass) -> [Storage] { [output] }
    func blockCount(_ pass: Pass, _ run: Run) -> Int { strips.count }

    func runBlock(_ pass: Pass, block: Int, scratch: UnsafeMutablePointer<Float>, _ run: Run) {
        let (geometry, offset) = strips[block]
        for image in 0..<run.count {
            let x = input.batchPointer(image), y = output.batchPointer(image) + offset
            switch kind {
            case .maximum: PoolingKernels.maximum(geometry, x: x, y: y, argmax: nil)
            case .average: PoolingKernels.average(geometry, x: x, y: y)
            }
        }
    }
}
