import Kernels
import Tensors

/// A convolution of bytes at inference, with the fused rectifier and max pooling.
struct QuantizedConvolutionCore {
    let name: String
    let input, output: Storage
    let weights: LayerWeights
    let relu: Bool
    let bytes: LayerEmission.Bytes
    private let convolution: ByteConvolution
    /// Whether the weights are prepared by another core.
    private let isShared: Bool
    private let inputFloats: Int

    /// - Parameter other: Another core of the same layer, which prepares the weights.
    init(
        _ emission: LayerEmission, _ bytes: LayerEmission.Bytes, geometry: ConvolutionGeometry, weights: LayerWeights,
        sharing other: QuantizedConvolutionCore?
    ) {
        name = emission.node.name
        input = emission.input
        output = emission.output
        self.weights = weights
        relu = emission.rectifies
        self.bytes = bytes
        isShared = other != nil
        let layout = bytes.input ?? ByteLayout(for: geometry)
        convolution = ByteConvolution(geometry, input: layout, sharing: other?.convolution.weights)
        inputFloats = bytes.input == nil ? (layout.floats + 15) / 16 * 16 : 0
    }

    /// The image converted to bytes, if the input is floats, then the pooling's rows.
    var scratchFloats: Int { inputFloats + (convolution.scratchBytes(bytes.pooling) + 3) / 4 }

    /// The number of output rows, after pooling if any.
    var outputRows: Int { bytes.pooling?.outHeight ?? convolution.geometry.outHeight }
    var multiplyAdds: Int { convolution.geometry.multiplyAdds }

    func refresh() {
        guard !isShared else { return }
        weights.refresh()
        convolution.weights.prepare(
            weights.w, scales: bytes.quantization.weightScales, bias: weights.bias, input: bytes.quantization.input,
            output: bytes.output?.scale)
    }

    /// Computes rows `rows` of one image's output.
    func run(
        x: UnsafeMutablePointer<Float>, rows: Range<Int>, y: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>
    ) {
        var image = UnsafePointer(x.bytes)
        if bytes.input == nil {
            convolution.input.quantize(
                x, bytes.quantization.input, rows: convolution.inputRows(of: rows, pooling: bytes.pooling),
                into: scratch.bytes)
            image = UnsafePointer(scratch.bytes)
        }
        if let output = bytes.output {
            convolution.run(
                image, rows: rows, rectified: relu, pooling: bytes.pooling, into: y.bytes, output.layout, output.scale,
                scratch: (scratch + inputFloats).bytes)
        } else {
            convolution.run(image, rows: rows, rectified: relu, into: y)
        }
    }
}

extension UnsafeMutablePointer<Float> {
    /// The same memory, as bytes.
    var bytes: UnsafeMutablePointer<UInt8> { UnsafeMutableRawPointer(self).assumingMemoryBound(to: UInt8.self) }
}

/// A quantized convolution of whole images, each by one worker.
final class QuantizedConvolution: Operation {
    let core: QuantizedConvolutionCore

    init(_ core: QuantizedConvolutionCore) { self.core = core }

    var name: String { core.name }
    var scratchFloats: Int { core.scratchFloats }
    func reads(_ pass: Pass) -> [Storage] { [core.input] }
    func writes(_ pass: Pass) -> [Storage] { [core.output] }
    func refresh() { core.refresh() }

    func run(_ pass: Pass, _ chunk: borrowing Chunk) {
        for image in chunk.images {
            core.run(
                x: core.input.pointer(image, chunk), rows: 0..<core.outputRows, y: core.output.pointer(image, chunk),
                scratch: chunk.scratch)
        }
    }
}

/// A quantized convolution of single images, each split across workers in strips.
final class StripedQuantizedConvolution: BlockOperation {
    private let core: QuantizedConvolutionCore
    private let strips: [Range<Int>]

    init(_ core: QuantizedConvolutionCore) {
        self.core = core
        strips = Strips(height: core.outputRows, multiplyAdds: core.multiplyAdds, alignment: 1).ranges
    }

    var name: String { core.name }
    var scratchFloats: Int { core.scratchFloats }
    func reads(_ pass: Pass) -> [Storage] { [core.input] }
    func writes(_ pass: Pass) -> [Storage] { [core.output] }
    func refresh() { core.refresh() }
    func blockCount(_ pass: Pass, _ run: Run) -> Int { strips.count }

    func runBlock(_ pass: Pass, block: Int, scratch: UnsafeMutablePointer<Float>, _ run: Run) {
        for image in 0..<run.count {
            core.run(
                x: core.input.batchPointer(image), rows: strips[block], y: core.output.batchPointer(image),
                scratch: scratch)
        }
    }
}
