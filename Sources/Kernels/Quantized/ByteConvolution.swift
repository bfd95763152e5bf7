import Tensors

/// Quantized convolution `Y = X·W + b` of one image `[H, W, C]` stored according to its ``ByteLayout``, with optional
/// fused ReLU and non-overlapping max pooling. There is no im2col matrix: each kernel row reads contiguous bytes of the
/// image.
package struct ByteConvolution {
    package let geometry: ConvolutionGeometry
    package let weights: ByteWeights
    /// The layout of the input.
    package let input: ByteLayout
    let instructions: ByteInstructions
    /// Offsets of the kernel's runs from the first byte that a pixel reads.
    private let offsets: AlignedBuffer<Int>

    /// Whether the convolution can be computed in bytes.
    package static func isEligible(_ g: ConvolutionGeometry) -> Bool { g.depth <= ByteWeights.deepest }

    /// - Parameter sharing: the weights of another such convolution, shared by both.
    package init(
        _ g: ConvolutionGeometry, input: ByteLayout, sharing weights: ByteWeights? = nil,
        by instructions: ByteInstructions = .best
    ) {
        geometry = g
        self.input = input
        self.instructions = instructions
        // Adjacent taps form one run.
        let joined = g.dilationWidth == 1
        self.weights =
            weights
            ?? ByteWeights(
                runs: g.kernelHeight * (joined ? 1 : g.kernelWidth),
                runBytes: (joined ? g.kernelWidth : 1) * g.channels,
                filters: g.filters)
        offsets = AlignedBuffer(
            (0..<g.kernelHeight).flatMap { u in
                (0..<(joined ? 1 : g.kernelWidth)).map { v in
                    u * g.dilationHeight * input.line + v * g.dilationWidth * g.channels
                }
            })
    }

    /// Bytes of scratch for a fused pooling.
    package func scratchBytes(_ pooling: PoolingGeometry?) -> Int {
        pooling.map { $0.windowHeight * geometry.outWidth * 32 } ?? 0
    }

    /// The input rows that rows `rows` of the output (pooled, if a pooling is given) depend on.
    package func inputRows(of rows: Range<Int>, pooling: PoolingGeometry?) -> Range<Int> {
        let window = pooling?.windowHeight ?? 1, g = geometry
        let first = rows.lowerBound * window * g.strideHeight - g.padTop
        let end =
            (rows.upperBound * window - 1) * g.strideHeight - g.padTop + g.dilationHeight * (g.kernelHeight - 1) + 1
        let low = max(0, min(first, g.height))
        return low..<max(low, min(end, g.height))
    }

    /// Whether `pooling` of the output can be fused.
    package static func canPool(_ p: PoolingGeometry) -> Bool {
        p.windowHeight == p.strideHeight && p.windowWidth == p.strideWidth && p.padTop == 0 && p.padLeft == 0
            && p.dilationHeight == 1 && p.dilationWidth == 1
            && p.outHeight * p.windowHeight <= p.height && p.outWidth * p.windowWidth <= p.width
    }

    /// Computes rows `rows` of the output as floats `[outH, outW, F]`.
    package func run(
        _ x: UnsafePointer<UInt8>, rows: Range<Int>, rectified: Bool, into y: UnsafeMutablePointer<Float>
    ) {
        for panel in weights.panels {
            for row in rows {
                var target = ByteOutput.floats(y + row * geometry.outWidth * geometry.filters).target(
                    rectified: rectified, pixel: geometry.filters, offset: panel.filters.lowerBound)
                multiply(panel, x, row: row, columns: geometry.outWidth, &target)
            }
        }
    }

    /// Computes rows `rows` of the output (pooled, if a pooling is given) as bytes of `scale`, including the border.
    /// - Parameter scratch: ``scratchBytes(_:)``.
    package func run(
        _ x: UnsafePointer<UInt8>, rows: Range<Int>, rectified: Bool, pooling: PoolingGeometry?,
        into y: UnsafeMutablePointer<UInt8>, _ layout: ByteLayout, _ scale: ByteScale,
        scratch: UnsafeMutablePointer<UInt8>
    ) {
        let filters = geometry.filters
        for panel in weights.panels {
            let first = panel.filters.lowerBound
            for row in rows {
                let place = y + layout.place(row: row)
                guard let pooling else {
                    var target = ByteOutput.bytes(place, scale).target(
                        rectified: rectified, pixel: filters, offset: first)
                    multiply(panel, x, row: row, columns: geometry.outWidth, &target)
                    continue
                }
                let channels = panel.filters.count, columns = pooling.outWidth * pooling.windowWidth
                let line = columns * channels
                for window in 0..<pooling.windowHeight {
                    var target = ByteOutput.bytes(scratch + window * line, scale).target(
                        rectified: rectified, pixel: channels, offset: 0)
                    multiply(panel, x, row: row * pooling.windowHeight + window, columns: columns, &target)
                }
                instructions.pool(
                    scratch, line: line, rows: pooling.windowHeight, columns: pooling.windowWidth, channels: channels,
                    pixels: pooling.outWidth, into: place + first, target: filters)
            }
        }
        layout.fillBorder(y, rows: rows, zeroPoint: scale.zeroPoint)
    }

    @inline(__always)
    private func multiply(
        _ panel: ByteWeights.Panel, _ x: UnsafePointer<UInt8>, row: Int, columns: Int,
        _ target: inout ByteInstructions.Target
    ) {
        let g = geometry
        let start =
            (input.top + row * g.strideHeight - g.padTop) * input.line + (input.left - g.padLeft) * g.channels
        weights.multiply(
            panel, x: x + start, pixels: columns, pixel: g.strideWidth * g.channels,
            offsets: UnsafePointer(offsets.pointer),
            into: &target, by: instructions)
    }
}

/// Quantized matrix product `Y = X·W + b` with an optional fused ReLU.
package struct ByteProduct {
    package let weights: ByteWeights
    let instructions: ByteInstructions
    /// The rows whose sums are held in registers at once.
    private static let tileRows = 14

    package init(features: Int, units: Int, by instructions: ByteInstructions = .best) {
        weights = ByteWeights(runs: 1, runBytes: features, filters: units)
        self.instructions = instructions
    }

    /// The number of panels of outputs, which can be computed independently.
    package var panelCount: Int { weights.panels.count }

    /// - Parameters:
    ///   - stride: bytes between rows of `x`.
    ///   - output: `[rows, units]`, starting at the first panel whichever `panels` are computed.
    ///   - outputStride: elements between rows of the output.
    package func run(
        _ x: UnsafePointer<UInt8>, stride: Int, rows: Int, panels: Range<Int>, rectified: Bool, into output: ByteOutput,
        outputStride: Int
    ) {
        let none = 0
        withUnsafePointer(to: none) { offsets in
            for first in Swift.stride(from: 0, to: rows, by: Self.tileRows) {
                for panel in weights.panels[panels] {
                    var target = output.target(
                        rectified: rectified, pixel: outputStride,
                        offset: first * outputStride + panel.filters.lowerBound)
                    weights.multiply(
                        panel, x: x + first * stride, pixels: min(Self.tileRows, rows - first), pixel: stride,
                        offsets: offsets, into: &target, by: instructions)
                }
            }
        }
    }
}
