import Kernels
import Tensors

/// A dense layer of bytes at inference, with the fused rectifier.
struct QuantizedDenseCore {
    let name: String
    let input, output: Storage
    let weights: LayerWeights
    let relu: Bool
    let bytes: LayerEmission.Bytes
    let features, units: Int
    let product: ByteProduct
    /// The number of weights from which on blocks of weights are distributed instead of images: too many for a core's
    /// cache.
    private static let blockedWeights = 65_536
    /// Whether the weights are prepared by another core.
    private let isShared: Bool
    /// The number of rows that are quantized at once.
    static let groupRows = 14

    /// - Parameter other: Another core of the same layer, which prepares the weights.
    init(
        _ emission: LayerEmission, _ bytes: LayerEmission.Bytes, weights: LayerWeights,
        sharing other: QuantizedDenseCore?
    ) {
        name = emission.node.name
        input = emission.input
        output = emission.output
        self.weights = weights
        relu = emission.rectifies
        self.bytes = bytes
        features = emission.node.inputShapes[0].count
        units = emission.node.outputShape.count
        product = other?.product ?? ByteProduct(features: features, units: units)
        isShared = other != nil
    }

    var isBlocked: Bool { bytes.input != nil && features * units >= Self.blockedWeights }
    /// The stride in bytes from one image's input to the next.
    var inputStride: Int { bytes.input == nil ? (features + 3) / 4 * 4 + 4 : input.floatsPerImage * 4 }
    var scratchFloats: Int { bytes.input == nil ? Self.groupRows * inputStride / 4 : 0 }

    func refresh() {
        guard !isShared else { return }
        weights.refresh()
        product.weights.prepare(
            weights.w, scales: bytes.quantization.weightScales, bias: weights.bias, input: bytes.quantization.input,
            output: bytes.output?.scale)
    }

    /// Computes some panels of some images' outputs, which begin at `y`.
    func run(_ x: UnsafePointer<UInt8>, rows: Int, panels: Range<Int>, y: UnsafeMutablePointer<Float>) {
        if let format = bytes.output {
            product.run(
                x, stride: inputStride, rows: rows, panels: panels, rectified: relu,
                into: .bytes(y.bytes, format.scale),
                outputStride: output.floatsPerImage * 4)
        } else {
            product.run(
                x, stride: inputStride, rows: rows, panels: panels, rectified: relu, into: .floats(y),
                outputStride: units)
        }
    }
}

/// A quantized dense layer in which each shard multiplies its own images.
final class QuantizedDense: Operation {
    let core: QuantizedDenseCore

    init(_ core: QuantizedDenseCore) { self.core = core }

    var name: String { core.name }
    var scratchFloats: Int { core.scratchFloats }
    func reads(_ pass: Pass) -> [Storage] { [core.input] }
    func writes(_ pass: Pass) -> [Storage] { [core.output] }
    func refresh() { core.refresh() }

    func run(_ pass: Pass, _ chunk: borrowing Chunk) {
        let panels = 0..<core.product.panelCount
        if core.bytes.input != nil {
            let first = chunk.images.lowerBound
            core.run(
                core.input.pointer(first, chunk).bytes, rows: chunk.images.count, panels: panels,
                y: core.output.pointer(first, chunk))
            return
        }
        for first in stride(
            from: chunk.images.lowerBound, to: chunk.images.upperBound, by: QuantizedDenseCore.groupRows)
        {
            let rows = min(QuantizedDenseCore.groupRows, chunk.images.upperBound - first)
            for row in 0..<rows {
                ByteLayout(height: 1, width: 1, channels: core.features).quantize(
                    core.input.pointer(first + row, chunk), core.bytes.quantization.input, rows: 0..<1,
                    into: chunk.scratch.bytes + row * core.inputStride)
            }
            core.run(chunk.scratch.bytes, rows: rows, panels: panels, y: core.output.pointer(first, chunk))
        }
    }
}

/// A quantized dense layer whose weights are too large for a core's cache, so that blocks of them are distributed.
final class BlockedQuantizedDense: BlockOperation {
    let core: QuantizedDenseCore
    /// The number of images and of panels in a block.
    private static let blockRows = 112, blockPanels = 2

    init(_ core: QuantizedDenseCore) { self.core = core }

    var name: String { core.name }
    func reads(_ pass: Pass) -> [Storage] { [core.input] }
    func writes(_ pass: Pass) -> [Storage] { [core.output] }
    func gathers(_ pass: Pass) -> [Storage] { [core.input] }
    func refresh() { core.refresh() }

    private var across: Int { (core.product.panelCount + Self.blockPanels - 1) / Self.blockPanels }

    func blockCount(_ pass: Pass, _ run: Run) -> Int { (run.count + Self.blockRows - 1) / Self.blockRows * across }

    func runBlock(_ pass: Pass, block: Int, scratch: UnsafeMutablePointer<Float>, _ run: Run) {
        let first = block / across * Self.blockRows, panel = block % across * Self.blockPanels
        core.run(
            core.input.batchPointer.bytes + first * core.inputStride, rows: min(Self.blockRows, run.count - first),
            panels: panel..<min(panel + Self.blockPanels, core.product.panelCount),
            y: core.output.batchPointer + first * core.output.floatsPerImage)
    }
}
