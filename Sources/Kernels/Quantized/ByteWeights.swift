import Tensors

/// A kernel `[depth, F]` of signed bytes with one scale per output, packed for byte products, and the requantization of
/// their sums.
///
/// `y[f] = scale_x · scale_w[f] · (Σ (x − zero_x) · w[·, f] + bias[f])`, where the zero point's part and the bias are
/// combined into one integer. Weights are `round(w / scale_w)` in −127…127, the bias is
/// `round(b / (scale_x · scale_w))`, both half to even, as in ONNX's `QuantizeLinear`.
/// Source: Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
/// Inference", 2018, arXiv:1712.05877.
package final class ByteWeights {
    /// The largest depth for which no sum can overflow.
    package static let deepest = 32_768
    /// The magnitude that a quantized bias is clamped to.
    private static let largestBias = 1e9

    /// A group of up to 32 outputs computed together, as two vectors of 16, or one if at most 16 remain.
    struct Panel {
        let filters: Range<Int>
        let vectors: Int
        /// The offset of the first byte of its weights.
        let offset: Int
    }

    package let runs, runBytes, filters: Int
    let words: Int
    let panels: [Panel]
    let packed: AlignedBuffer<Int8>
    let bias: AlignedBuffer<Int32>
    /// The factors that sums are multiplied by.
    let factors: AlignedBuffer<Float>

    /// - Parameters:
    ///   - runs: parts of the depth whose inputs are contiguous.
    ///   - runBytes: the inputs in each run.
    package init(runs: Int, runBytes: Int, filters: Int) {
        precondition(runs * runBytes <= Self.deepest, "a sum of more than \(Self.deepest) products may overflow")
        self.runs = runs
        self.runBytes = runBytes
        self.filters = filters
        words = (runBytes + 3) / 4
        var panels: [Panel] = []
        var offset = 0
        for first in stride(from: 0, to: filters, by: 32) {
            let range = first..<min(first + 32, filters)
            panels.append(Panel(filters: range, vectors: range.count > 16 ? 2 : 1, offset: offset))
            offset += runs * words * 64 * (range.count > 16 ? 2 : 1)
        }
        self.panels = panels
        packed = AlignedBuffer(count: offset)
        bias = AlignedBuffer(count: (filters + 31) / 32 * 32)
        factors = AlignedBuffer(count: bias.count)
    }

    /// Returns a weight as a byte.
    package static func quantized(_ w: Float, scale: Float) -> Int8 {
        Int8(max(-127, min(127, (w / scale).rounded(.toNearestOrEven))))
    }

    /// Returns the bias as the integer to add to a sum of `(x − zero) · w`.
    package static func quantized(bias: Float, scale: Float) -> Int32 {
        Int32(max(-largestBias, min(largestBias, (Double(bias) / Double(scale)).rounded(.toNearestOrEven))))
    }

    /// Quantizes and packs a float kernel and its bias.
    /// - Parameters:
    ///   - w: `[depth, F]`.
    ///   - scales: the scales of the weights, `[F]`.
    ///   - output: the scale of the outputs; nil for float outputs.
    package func prepare(
        _ w: UnsafePointer<Float>, scales: [Float], bias source: UnsafePointer<Float>?, input: ByteScale,
        output: ByteScale?
    ) {
        precondition(scales.count == filters, "a scale for each output")
        packed.zero()
        for panel in panels {
            for f in panel.filters {
                let lane = f - panel.filters.lowerBound
                var total: Int32 = 0
                for run in 0..<runs {
                    for byte in 0..<runBytes {
                        let q = Self.quantized(w[(run * runBytes + byte) * filters + f], scale: scales[f])
                        total += Int32(q)
                        let word = (run * words + byte / 4) * 16 * panel.vectors + lane
                        packed.pointer[panel.offset + word * 4 + byte % 4] = q
                    }
                }
                let unit = input.scale * scales[f]
                bias[f] =
                    (source.map { Self.quantized(bias: $0[f], scale: unit) } ?? 0) - Int32(input.zeroPoint) * total
                factors[f] = output.map { unit / $0.scale } ?? unit
            }
        }
    }

    /// Computes the sums of one panel for a row of pixels and writes them as bytes or floats.
    @inline(__always)
    func multiply(
        _ panel: Panel, x: UnsafePointer<UInt8>, pixels: Int, pixel: Int, offsets: UnsafePointer<Int>,
        into target: inout ByteInstructions.Target, by instructions: ByteInstructions
    ) {
        let first = panel.filters.lowerBound
        var row = ByteInstructions.Row(
            x: x, pixel: pixel, offsets: offsets, runs: Int32(runs), words: Int32(words), pixels: Int32(pixels))
        target.scale = UnsafePointer(factors.pointer + first)
        target.filters = Int32(panel.filters.count)
        instructions.multiply(
            &row, packed.pointer + panel.offset, vectors: panel.vectors, bias: bias.pointer + first, &target)
    }
}

/// The destination and the type of the outputs.
package enum ByteOutput {
    /// Floats, rectified if a ReLU is fused.
    case floats(UnsafeMutablePointer<Float>)
    /// Bytes of the given scale.
    case bytes(UnsafeMutablePointer<UInt8>, ByteScale)

    /// Returns the target for a panel whose outputs begin at element `offset`, with `pixel` elements between adjacent
    /// pixels.
    func target(rectified: Bool, pixel: Int, offset: Int) -> ByteInstructions.Target {
        var target = ByteInstructions.Target()
        target.pixel = pixel
        switch self {
        case .floats(let y):
            target.floats = y + offset
            target.floor = rectified ? 0 : -.infinity
        case .bytes(let y, let scale):
            target.bytes = y + offset
            target.zero = Int32(scale.zeroPoint)
            target.low = rectified ? Int32(scale.zeroPoint) : 0
        }
        return target
    }
}
