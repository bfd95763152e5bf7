import LinearAlgebra
import Tensors

/// Winograd's minimal filtering for 3×3 convolutions of stride 1: each `m×m` output tile costs `(m + 2)²`
/// multiplications per channel pair instead of `9·m²`: 2.25 times fewer for `m` = 2, 4 times for `m` = 4. Kernels of
/// one row, 1×r with r = 3 or 5, have tiles of four pixels of a line: `r + 3` multiplications instead of `4·r`, 2 or
/// 2.5 times fewer; below, `G·g·Gᵀ` is then `G·g`, and so on.
///
/// With `d` the `(m+2)²` input tile, `g` the kernel: `y = Aᵀ[(G·g·Gᵀ) ⊙ (Bᵀ·d·B)]A`; summed over channels, the products
/// `⊙` become `(m + 2)²` matrix products `[tiles, C]·[C, F]`. The weight gradient is the transpose,
/// `∂g = Gᵀ[Σ_tiles (Bᵀ·d·B)ᵀ·(A·∂y·Aᵀ)]G`; the input gradient is a convolution of `∂y` with the flipped kernel.
///
/// In Float the error grows with `m`; see ``Tile/errorFactor``. Source: Lavin and Gray 2015, arXiv:1509.09308.
package struct Winograd: Hashable, Sendable {
    /// The output pixels of a tile.
    package enum Tile: CaseIterable, Sendable {
        /// 2×2 and 4×4, for 3×3 kernels.
        case two, four
        /// Four of a line, for kernels of one row.
        case line

        package var height: Int {
            switch self {
            case .two: 2
            case .four: 4
            case .line: 1
            }
        }

        package var width: Int { self == .two ? 2 : 4 }

        /// Bounds the rounding error relative to direct summation: the largest error of an image is within
        /// `errorFactor · (4 + 2·√K)·2⁻²⁴ · max Σ|terms|`, with K terms per sum. Measured against Double over irregular
        /// shapes, then doubled; the test suite checks all tiles against it.
        package var errorFactor: Double {
            switch self {
            case .two: 1
            case .four: 4
            case .line: 2
            }
        }
    }

    package let geometry: ConvolutionGeometry
    package let tile: Tile
    /// The number of rows and of columns of tiles in one image.
    package let tilesHigh: Int
    package let tilesWide: Int

    /// The number of points in a transformed tile.
    private let points: Int

    /// - Precondition: ``isEligible(_:_:)``.
    package init(_ geometry: ConvolutionGeometry, tile: Tile) {
        precondition(
            Self.isEligible(geometry, tile),
            "Winograd needs a kernel that fits its tile, stride and dilation 1, 16 channels or more")
        self.geometry = geometry
        self.tile = tile
        tilesHigh = (geometry.outHeight + tile.height - 1) / tile.height
        tilesWide = (geometry.outWidth + tile.width - 1) / tile.width
        points = (tile.height + geometry.kernelHeight - 1) * (tile.width + geometry.kernelWidth - 1)
    }

    /// Whether the convolution can use Winograd: a kernel of 3×3, or for ``Tile/line`` of 1×3 or 1×5; stride 1,
    /// dilation 1, at least 16 input and output channels (the loops use vectors of 16 channels).
    package static func isEligible(_ g: ConvolutionGeometry, _ tile: Tile) -> Bool {
        let isKernel =
            tile == .line
            ? g.kernelHeight == 1 && (g.kernelWidth == 3 || g.kernelWidth == 5)
            : g.kernelHeight == 3 && g.kernelWidth == 3
        return isKernel && g.hasUnitStride && g.dilationHeight == 1 && g.dilationWidth == 1 && g.channels >= 16
            && g.filters >= 16
    }

    /// Whether the product of one point is small enough for ``RowProduct``.
    private var takesRowProducts: Bool { geometry.channels * geometry.filters <= 16_384 && RowProduct.isFast }

    /// The number of tiles in one image.
    package var tileCount: Int { tilesHigh * tilesWide }
    /// Floats of the transformed weights, `[points, C, F]` with a stride of ``plane(_:)`` between points; their
    /// gradient takes as many.
    package var weightFloats: Int { points * weightPlane }
    private var weightPlane: Int { Self.plane(geometry.channels * geometry.filters) }
    /// Floats of scratch for `images` images at once, or for `rows` rows of tiles of each.
    package func scratchFloats(images: Int, rows: Int? = nil) -> Int {
        let tiles = (rows ?? tilesHigh) * tilesWide * images
        return points * (Self.plane(tiles * geometry.channels) + Self.plane(tiles * geometry.filters))
            + WinogradScratch.tileFloats + max(geometry.channels, geometry.filters)
    }

    /// The stride in floats between the values of consecutive points: `count` rounded up to an odd number of cache
    /// lines, so that the points of a tile fall into different sets of the L1 cache; a power of two would put all of
    /// them into one.
    static func plane(_ count: Int) -> Int { ((count &+ 15) / 16 | 1) &* 16 }

    /// Computes `U = G·w·Gᵀ` for every channel pair, from `w` `[kH, kW, C, F]` into `u`, laid out as in ``weightFloats``.
    package func transformWeights(_ w: UnsafePointer<Float>, into u: UnsafeMutablePointer<Float>) {
        let pairs = geometry.channels * geometry.filters
        switch tile {
        case .two: WinogradTransforms<WinogradLines2>.weights(w, pairs, u, weightPlane)
        case .four: WinogradTransforms<WinogradLines4>.weights(w, pairs, u, weightPlane)
        case .line where geometry.kernelWidth == 3:
            WinogradRowTransforms<WinogradLines4>.weights(w, pairs, u, weightPlane)
        case .line: WinogradRowTransforms<WinogradLines4Of5>.weights(w, pairs, u, weightPlane)
        }
    }

    /// Computes `y` of `images` consecutive images, with ReLU if requested; `u` comes from
    /// ``transformWeights(_:into:)``.
    /// - Parameters:
    ///   - rows: the rows of tiles to compute in each image; nil for all.
    ///   - x: `[images, H, W, C]`.
    ///   - bias: `[F]` or nil.
    ///   - y: `[images, outH, outW, F]`, overwritten.
    package func forward(
        images: Int, rows: Range<Int>? = nil, x: UnsafePointer<Float>, u: UnsafePointer<Float>,
        bias: UnsafePointer<Float>?, relu: Bool = false, y: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>
    ) {
        let (c, f) = (geometry.channels, geometry.filters)
        let rows = rows ?? 0..<tilesHigh
        let each = rows.count * tilesWide, tiles = each * images
        let plane = Self.plane(tiles * c), productPlane = Self.plane(tiles * f)
        let v = scratch, products = v + points * plane
        let rest = products + points * productPlane
        transformInputs(images, rows, x, v, rest)
        for point in 0..<points {
            let (a, b, y) = (v + point * plane, u + point * weightPlane, products + point * productPlane)
            if takesRowProducts {
                RowProduct.multiply(m: tiles, n: f, k: c, a: .init(pointer: a, row: c, step: 1), b: b, c: y)
            } else {
                BLAS.gemm(m: tiles, n: f, k: c, a: a, lda: c, b: b, ldb: f, c: y, ldc: f)
            }
        }
        for image in 0..<images {
            let source = products + image * each * f, target = y + image * geometry.outputCount
            switch tile {
            case .two:
                WinogradTransforms<WinogradLines2>.output(self, rows, source, productPlane, bias, relu, target, rest)
            case .four:
                WinogradTransforms<WinogradLines4>.output(self, rows, source, productPlane, bias, relu, target, rest)
            case .line where geometry.kernelWidth == 3:
                WinogradRowTransforms<WinogradLines4>.output(
                    self, rows, source, productPlane, bias, relu, target, rest)
            case .line:
                WinogradRowTransforms<WinogradLines4Of5>.output(
                    self, rows, source, productPlane, bias, relu, target, rest)
            }
        }
    }

    /// Adds the transformed weight gradient of `images` images, or of some rows of tiles of each, to `du`
    /// (``weightFloats``), or overwrites it.
    package func addWeightGradient(
        images: Int, rows: Range<Int>? = nil, x: UnsafePointer<Float>, dy: UnsafePointer<Float>,
        du: UnsafeMutablePointer<Float>,
        accumulate: Bool, scratch: UnsafeMutablePointer<Float>
    ) {
        let (c, f) = (geometry.channels, geometry.filters)
        let rows = rows ?? 0..<tilesHigh
        let each = rows.count * tilesWide, tiles = each * images
        let plane = Self.plane(tiles * c), gradientPlane = Self.plane(tiles * f)
        let v = scratch, d = v + points * plane
        let rest = d + points * gradientPlane
        transformInputs(images, rows, x, v, rest)
        for image in 0..<images {
            let source = dy + image * geometry.outputCount, target = d + image * each * f
            switch tile {
            case .two: WinogradTransforms<WinogradLines2>.gradient(self, rows, source, target, gradientPlane, rest)
            case .four: WinogradTransforms<WinogradLines4>.gradient(self, rows, source, target, gradientPlane, rest)
            case .line where geometry.kernelWidth == 3:
                WinogradRowTransforms<WinogradLines4>.gradient(self, rows, source, target, gradientPlane, rest)
            case .line:
                WinogradRowTransforms<WinogradLines4Of5>.gradient(self, rows, source, target, gradientPlane, rest)
            }
        }
        for point in 0..<points {
            let (a, b, sum) = (v + point * plane, d + point * gradientPlane, du + point * weightPlane)
            if takesRowProducts, f.isMultiple(of: RowProduct.leastColumns) {
                RowProduct.multiply(
                    m: c, n: f, k: tiles, a: .init(pointer: a, row: 1, step: c), b: b, c: sum, adding: accumulate)
            } else {
                BLAS.gemm(
                    .yes, .no, m: c, n: f, k: tiles, a: a, lda: c, b: b, ldb: f, beta: accumulate ? 1 : 0, c: sum,
                    ldc: f)
            }
        }
    }

    /// Computes `dw = Gᵀ·du·G`, `[kH, kW, C, F]`, overwritten; `du` is laid out as in ``weightFloats``.
    package func finishWeightGradient(_ du: UnsafePointer<Float>, into dw: UnsafeMutablePointer<Float>) {
        let pairs = geometry.channels * geometry.filters
        switch tile {
        case .two: WinogradTransforms<WinogradLines2>.weightGradient(du, weightPlane, pairs, dw)
        case .four: WinogradTransforms<WinogradLines4>.weightGradient(du, weightPlane, pairs, dw)
        case .line where geometry.kernelWidth == 3:
            WinogradRowTransforms<WinogradLines4>.weightGradient(du, weightPlane, pairs, dw)
        case .line: WinogradRowTransforms<WinogradLines4Of5>.weightGradient(du, weightPlane, pairs, dw)
        }
    }

    private func transformInputs(
        _ images: Int, _ rows: Range<Int>, _ x: UnsafePointer<Float>, _ v: UnsafeMutablePointer<Float>,
        _ rest: UnsafeMutablePointer<Float>
    ) {
        let c = geometry.channels, each = rows.count * tilesWide, plane = Self.plane(each * images * c)
        for image in 0..<images {
            let source = x + image * geometry.inputCount, target = v + image * each * c
            switch tile {
            case .two: WinogradTransforms<WinogradLines2>.input(self, rows, source, target, plane, rest)
            case .four: WinogradTransforms<WinogradLines4>.input(self, rows, source, target, plane, rest)
            case .line where geometry.kernelWidth == 3:
                WinogradRowTransforms<WinogradLines4>.input(self, rows, source, target, plane, rest)
            case .line: WinogradRowTransforms<WinogradLines4Of5>.input(self, rows, source, target, plane, rest)
            }
        }
    }
}
