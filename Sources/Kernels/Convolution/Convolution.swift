import LinearAlgebra
import Tensors

/// The extents of a 2-D convolution of one NHWC image (cross-correlation, as is usual in the field).
///
/// `y[oy, ox, f] = b[f] + Σ x[oy·sH + ky·dH − top, ox·sW + kx·dW − left, c] · w[ky, kx, c, f]`,
/// x being 0 outside the image.
package struct ConvolutionGeometry: Hashable, Sendable {
    /// Input extents.
    package var height, width, channels: Int
    package var kernelHeight, kernelWidth: Int
    package var strideHeight, strideWidth: Int
    package var dilationHeight, dilationWidth: Int
    /// Rows of zero padding above and columns of zero padding to the left; negative values crop.
    package var padTop, padLeft: Int
    /// Output extents.
    package var outHeight, outWidth, filters: Int

    package init(
        height: Int, width: Int, channels: Int, kernelHeight: Int, kernelWidth: Int, strideHeight: Int = 1,
        strideWidth: Int = 1, dilationHeight: Int = 1, dilationWidth: Int = 1, padTop: Int = 0, padLeft: Int = 0,
        outHeight: Int, outWidth: Int, filters: Int
    ) {
        self.height = height
        self.width = width
        self.channels = channels
        self.kernelHeight = kernelHeight
        self.kernelWidth = kernelWidth
        self.strideHeight = strideHeight
        self.strideWidth = strideWidth
        self.dilationHeight = dilationHeight
        self.dilationWidth = dilationWidth
        self.padTop = padTop
        self.padLeft = padLeft
        self.outHeight = outHeight
        self.outWidth = outWidth
        self.filters = filters
    }

    /// Columns of the im2col matrix, `kH·kW·C`.
    package var depth: Int { kernelHeight * kernelWidth * channels }
    /// Rows of the im2col matrix for one image.
    package var outRows: Int { outHeight * outWidth }
    package var inputCount: Int { height * width * channels }
    package var outputCount: Int { outRows * filters }
    package var weightCount: Int { depth * filters }
    /// Multiply-adds of the forward pass for one image.
    package var multiplyAdds: Int { outRows * depth * filters }
    /// Whether the image itself is its im2col matrix.
    package var isPointwise: Bool {
        kernelHeight == 1 && kernelWidth == 1 && strideHeight == 1 && strideWidth == 1 && padTop == 0 && padLeft == 0
            && outHeight == height && outWidth == width
    }
    /// Whether the input gradient is itself a convolution of the output gradient, by the flipped kernel.
    package var hasUnitStride: Bool { strideHeight == 1 && strideWidth == 1 }

    /// The geometry of the input gradient as a convolution of the output gradient by the flipped kernel.
    /// - Precondition: ``hasUnitStride``.
    package var inputGradientGeometry: ConvolutionGeometry {
        precondition(hasUnitStride, "only a stride-1 convolution's input gradient is a convolution")
        return ConvolutionGeometry(
            height: outHeight, width: outWidth, channels: filters, kernelHeight: kernelHeight,
            kernelWidth: kernelWidth, dilationHeight: dilationHeight, dilationWidth: dilationWidth,
            padTop: dilationHeight * (kernelHeight - 1) - padTop, padLeft: dilationWidth * (kernelWidth - 1) - padLeft,
            outHeight: height, outWidth: width, filters: channels)
    }
}

/// Convolution lowered onto GEMM by im2col, in tiles of output pixels small enough to stay in cache.
package enum Convolution {
    /// Writes rows `rows` of the im2col matrix `[outH·outW, kH·kW·C]` of image `x` to `cols`, packed.
    package static func im2col(
        _ g: ConvolutionGeometry, rows: Range<Int>, x: UnsafePointer<Float>, cols: UnsafeMutablePointer<Float>
    ) {
        let c = g.channels
        let span = g.kernelWidth &* c  // floats in one row of the kernel
        let rowStride = g.width &* c
        let end = x + g.inputCount, last = cols + rows.count &* g.depth
        var out = cols
        var oy = rows.lowerBound / g.outWidth
        var ox = rows.lowerBound &- oy &* g.outWidth
        for _ in rows {
            let ix0 = ox &* g.strideWidth &- g.padLeft
            let inside = ix0 >= 0 && ix0 &+ (g.kernelWidth &- 1) &* g.dilationWidth < g.width
            for ky in 0..<g.kernelHeight {
                let iy = oy &* g.strideHeight &- g.padTop &+ ky &* g.dilationHeight
                if iy < 0 || iy >= g.height {
                    fill(out, span)
                } else if inside && g.dilationWidth == 1 {
                    let source = x + (iy &* rowStride &+ ix0 &* c)
                    // Copy a short span as one vector where that stays within the image and the tile; the next span
                    // overwrites the excess.
                    if span <= 8 && source + 8 <= end && out + 8 <= last {
                        UnsafeMutableRawPointer(out).storeBytes(
                            of: UnsafeRawPointer(source).loadUnaligned(as: SIMD8<Float>.self), as: SIMD8<Float>.self)
                    } else {
                        copy(source, out, span)
                    }
                } else {
                    for kx in 0..<g.kernelWidth {
                        let ix = ix0 &+ kx &* g.dilationWidth
                        if ix < 0 || ix >= g.width {
                            fill(out + kx &* c, c)
                        } else {
                            copy(x + (iy &* rowStride &+ ix &* c), out + kx &* c, c)
                        }
                    }
                }
                out += span
            }
            ox &+= 1
            if ox == g.outWidth {
                ox = 0
                oy &+= 1
            }
        }
    }

    /// Adds rows `rows` of the gradient of the im2col matrix to the image gradient `dx`: the transpose of im2col.
    package static func col2im(
        _ g: ConvolutionGeometry, rows: Range<Int>, dcols: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>
    ) {
        let c = g.channels
        var source = dcols
        for row in rows {
            let oy = row / g.outWidth, ox = row % g.outWidth
            for ky in 0..<g.kernelHeight {
                let iy = oy * g.strideHeight - g.padTop + ky * g.dilationHeight
                for kx in 0..<g.kernelWidth {
                    let ix = ox * g.strideWidth - g.padLeft + kx * g.dilationWidth
                    if iy >= 0 && iy < g.height && ix >= 0 && ix < g.width {
                        add(source, dx + (iy * g.width + ix) * c, c)
                    }
                    source += c
                }
            }
        }
    }

    @inline(__always)
    private static func copy(_ source: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>, _ n: Int) {
        var i = 0
        while i &+ 16 <= n {
            target.setLanes(i, source.lanes(i))
            i &+= 16
        }
        while i < n {
            target[i] = source[i]
            i &+= 1
        }
    }

    @inline(__always)
    private static func fill(_ target: UnsafeMutablePointer<Float>, _ n: Int) {
        var i = 0
        while i &+ 16 <= n {
            target.setLanes(i, SIMD16<Float>())
            i &+= 16
        }
        while i < n {
            target[i] = 0
            i &+= 1
        }
    }

    @inline(__always)
    private static func add(_ source: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>, _ n: Int) {
        var i = 0
        while i &+ 16 <= n {
            target.setLanes(i, target.lanes(i) + source.lanes(i))
            i &+= 16
        }
        while i < n {
            target[i] += source[i]
            i &+= 1
        }
    }

    /// Computes `Y = im2col(X)·W (+ b)` for one image, then applies ReLU if requested. Calls `afterTile` with each
    /// finished tile (rows, pointer) while it is in cache.
    ///
    /// - Parameters:
    ///   - w: `[kH·kW·C, F]`.
    ///   - bias: `[F]` or nil.
    ///   - y: `[outH·outW, F]`, overwritten.
    ///   - scratch: `tileRows · depth` floats.
    package static func forward(
        _ g: ConvolutionGeometry, tileRows: Int, x: UnsafePointer<Float>, w: UnsafePointer<Float>,
        bias: UnsafePointer<Float>?, relu: Bool = false, y: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>,
        afterTile: (_ rows: Int, _ tile: UnsafeMutablePointer<Float>) -> Void = { _, _ in }
    ) {
        let k = g.depth, n = g.filters
        var row = 0
        while row < g.outRows {
            let m = min(tileRows, g.outRows - row)
            let a = tile(g, row..<row + m, x, scratch)
            let target = y + row * n
            BLAS.gemm(m: m, n: n, k: k, a: a, lda: k, b: w, ldb: n, c: target, ldc: n)
            ColumnKernels.finish(target, rows: m, columns: n, bias: bias, relu: relu)
            afterTile(m, target)
            row += m
        }
    }

    /// `dW (+)= im2col(X)ᵀ·dY` for one image, `[kH·kW·C, F]`.
    package static func weightGradient(
        _ g: ConvolutionGeometry, tileRows: Int, x: UnsafePointer<Float>, dy: UnsafePointer<Float>,
        dw: UnsafeMutablePointer<Float>, accumulate: Bool, scratch: UnsafeMutablePointer<Float>
    ) {
        let k = g.depth, n = g.filters
        var row = 0
        while row < g.outRows {
            let m = min(tileRows, g.outRows - row)
            let a = tile(g, row..<row + m, x, scratch)
            BLAS.gemm(
                .yes, .no, m: k, n: n, k: m, a: a, lda: k, b: dy + row * n, ldb: n,
                beta: accumulate || row > 0 ? 1 : 0, c: dw, ldc: n)
            row += m
        }
    }

    /// Computes `dX` of one image, `[H, W, C]`, overwritten.
    ///
    /// With stride 1 it is the convolution of `dY` by the flipped kernel, which writes each output once; with other
    /// strides, the gradient of the im2col matrix, scattered by col2im.
    /// - Parameters:
    ///   - preparedWeights: from ``prepareWeights(_:w:into:)``.
    ///   - scratch: `tileRows · max(depth, depth of inputGradientGeometry)` floats.
    package static func inputGradient(
        _ g: ConvolutionGeometry, tileRows: Int, dy: UnsafePointer<Float>, preparedWeights: UnsafePointer<Float>,
        dx: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
    ) {
        if g.hasUnitStride {
            forward(
                g.inputGradientGeometry, tileRows: tileRows, x: dy, w: preparedWeights, bias: nil, y: dx,
                scratch: scratch)
            return
        }
        dx.update(repeating: 0, count: g.inputCount)
        let k = g.depth, n = g.filters
        var row = 0
        while row < g.outRows {
            let m = min(tileRows, g.outRows - row)
            BLAS.gemm(m: m, n: k, k: n, a: dy + row * n, lda: n, b: preparedWeights, ldb: k, c: scratch, ldc: k)
            col2im(g, rows: row..<row + m, dcols: scratch, dx: dx)
            row += m
        }
    }

    /// Lays out the weights as the input gradient reads them, once per step: for stride 1, the flipped kernel
    /// `[kH·kW·F, C]`; for other strides, the transpose `[F, kH·kW·C]`, because BLAS is slow on a transposed `B`.
    package static func prepareWeights(
        _ g: ConvolutionGeometry, w: UnsafePointer<Float>, into prepared: UnsafeMutablePointer<Float>
    ) {
        let c = g.channels, f = g.filters, positions = g.kernelHeight * g.kernelWidth
        guard g.hasUnitStride else {
            ColumnKernels.transpose(w, rows: g.depth, columns: f, into: prepared)
            return
        }
        for position in 0..<positions {
            ColumnKernels.transpose(
                w + position * c * f, rows: c, columns: f, into: prepared + (positions - 1 - position) * f * c)
        }
    }

    @inline(__always)
    private static func tile(
        _ g: ConvolutionGeometry, _ rows: Range<Int>, _ x: UnsafePointer<Float>, _ scratch: UnsafeMutablePointer<Float>
    ) -> UnsafePointer<Float> {
        if g.isPointwise { return x + rows.lowerBound * g.channels }
        im2col(g, rows: rows, x: x, cols: scratch)
        return UnsafePointer(scratch)
    }
}
