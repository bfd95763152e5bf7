import LinearAlgebra

/// Stride-1 convolution as one matrix product per kernel position, without im2col.
///
/// The image is copied once with zero padding. Read row by row as a matrix `[pixels, C]`, it contains a shifted view of
/// itself for every kernel position, so that `Y = Σ_position view(position)·W[position]`: `kH·kW` accumulated products
/// `[rows, C]·[C, F]`. The windows that start in the padding columns (`(kW − 1)·dW` per row) are computed too and
/// discarded at the end. The weight gradient is `∂W[position] = view(position)ᵀ·∂Y`, with zeros for those windows; the
/// input gradient is the convolution of `∂Y` with the flipped kernel.
///
/// Compared with im2col it saves copies (a pixel is copied once, not `kH·kW` times) at the price of more and thinner
/// products.
package struct ShiftedConvolution: Hashable, Sendable {
    package let geometry: ConvolutionGeometry
    private let padded: PaddedImage

    /// - Precondition: ``isEligible(_:)``.
    package init(_ g: ConvolutionGeometry) {
        precondition(Self.isEligible(g), "shifted views need stride 1 and a kernel larger than 1×1")
        geometry = g
        padded = PaddedImage(g)
    }

    /// Whether the convolution can be computed this way: stride 1, and not pointwise (which needs neither copies nor
    /// shifts).
    package static func isEligible(_ g: ConvolutionGeometry) -> Bool { g.hasUnitStride && !g.isPointwise }

    /// The number of windows of the padded image, row by row, up to the last one that produces an output.
    package var windows: Int { (geometry.outHeight - 1) * padded.width + geometry.outWidth }

    /// Floats of scratch for tiles of `tileRows` windows.
    package func scratchFloats(tileRows: Int) -> Int {
        padded.count + min(tileRows, windows) * geometry.filters
    }

    /// The range of outputs that a range of windows produces.
    private func outputs(_ windows: Range<Int>) -> Range<Int> {
        func before(_ window: Int) -> Int {
            window / padded.width * geometry.outWidth + min(window % padded.width, geometry.outWidth)
        }
        return before(windows.lowerBound)..<before(windows.upperBound)
    }

    /// Calls `body` with each run of windows that produce outputs: its offset in the tile, its first output, its
    /// length.
    @inline(__always)
    private func forEachRun(_ windows: Range<Int>, _ body: (_ offset: Int, _ output: Int, _ count: Int) -> Void) {
        var window = windows.lowerBound
        while window < windows.upperBound {
            let line = window / padded.width, column = window - line * padded.width
            let end = min(windows.upperBound, line * padded.width + geometry.outWidth)
            if window < end { body(window - windows.lowerBound, line * geometry.outWidth + column, end - window) }
            window = (line + 1) * padded.width
        }
    }

    @inline(__always)
    private func shift(_ position: Int) -> Int {
        let g = geometry
        return position / g.kernelWidth * g.dilationHeight * padded.width + position % g.kernelWidth * g.dilationWidth
    }

    /// Computes `y` of one image, `[outH·outW, F]`, overwritten, then applies bias and ReLU if given. Calls `afterTile`
    /// with finished rows while they are in cache.
    package func forward(
        tileRows: Int, x: UnsafePointer<Float>, w: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
        relu: Bool = false, y: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>,
        afterTile: (_ rows: Int, _ tile: UnsafeMutablePointer<Float>) -> Void = { _, _ in }
    ) {
        let g = geometry, c = g.channels, f = g.filters
        let image = scratch, products = scratch + padded.count
        padded.fill(x, into: image)
        for start in stride(from: 0, to: windows, by: tileRows) {
            let tile = start..<min(start + tileRows, windows)
            let rows = outputs(tile), target = y + rows.lowerBound * f
            // If no window is discarded, the products are the output.
            let isDense = rows.count == tile.count
            for position in 0..<g.kernelHeight * g.kernelWidth {
                BLAS.gemm(
                    m: tile.count, n: f, k: c, a: image + (start + shift(position)) * c, lda: c,
                    b: w + position * c * f, ldb: f, beta: position == 0 ? 0 : 1, c: isDense ? target : products, ldc: f
                )
            }
            if !isDense {
                forEachRun(tile) { offset, output, count in
                    (y + output * f).update(from: products + offset * f, count: count * f)
                }
            }
            guard !rows.isEmpty else { continue }
            ColumnKernels.finish(target, rows: rows.count, columns: f, bias: bias, relu: relu)
            afterTile(rows.count, target)
        }
    }

    /// Computes `dW (+)= im2col(X)ᵀ·dY` for one image, `[kH·kW·C, F]`.
    package func weightGradient(
        tileRows: Int, x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>,
        accumulate: Bool, scratch: UnsafeMutablePointer<Float>
    ) {
        let g = geometry, c = g.channels, f = g.filters
        let image = scratch, spread = scratch + padded.count
        padded.fill(x, into: image)
        for start in stride(from: 0, to: windows, by: tileRows) {
            let tile = start..<min(start + tileRows, windows)
            var gradient = dy + outputs(tile).lowerBound * f
            if outputs(tile).count != tile.count {
                spread.update(repeating: 0, count: tile.count * f)
                forEachRun(tile) { offset, output, count in
                    (spread + offset * f).update(from: dy + output * f, count: count * f)
                }
                gradient = UnsafePointer(spread)
            }
            for position in 0..<g.kernelHeight * g.kernelWidth {
                BLAS.gemm(
                    .yes, .no, m: c, n: f, k: tile.count, a: image + (start + shift(position)) * c, lda: c,
                    b: gradient, ldb: f, beta: accumulate || start > 0 ? 1 : 0, c: dw + position * c * f, ldc: f)
            }
        }
    }
}
