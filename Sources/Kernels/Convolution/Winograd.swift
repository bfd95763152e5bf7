import LinearAlgebra
import Tensors

/// Winograd's minimal filtering for 3×3 convolutions of stride 1: each output tile of `m×m` costs `(m + 2)²`
/// multiplications a channel pair instead of `9·m²`: 2.25 times fewer for `m` = 2, 4 times for `m` = 4.
///
/// With `d` the `(m+2)²` input tile, `g` the kernel: `y = Aᵀ[(G·g·Gᵀ) ⊙ (Bᵀ·d·B)]A`; summed over channels, the products
/// `⊙` become `(m + 2)²` matrix products `[tiles, C]·[C, F]`. The weight gradient is the transpose,
/// `∂g = Gᵀ[Σ_tiles (Bᵀ·d·B)ᵀ·(A·∂y·Aᵀ)]G`; the input gradient is a convolution of `∂y` with the flipped kernel.
///
/// In Float the error grows with `m`: ``Tile/errorFactor``. Source: Lavin and Gray 2015, arXiv:1509.09308.
package struct Winograd: Hashable, Sendable {
    /// Output pixels of a tile, along each side.
    package enum Tile: Int, CaseIterable, Sendable {
        case two = 2
        case four = 4

        /// How much larger its rounding error may be than that of the direct sum: the largest error of an image is within
        /// `errorFactor · (4 + 2·√K)·2⁻²⁴ · max Σ|terms|`, K the terms of a sum. Measured over odd shapes against Double,
        /// doubled; the test suite holds both to it.
        package var errorFactor: Double { self == .two ? 1 : 4 }

        /// Points of the transformed tile.
        var points: Int { (rawValue + 2) * (rawValue + 2) }
    }

    package let geometry: ConvolutionGeometry
    package let tile: Tile
    /// Rows and columns of tiles of one image.
    package let tilesHigh: Int
    package let tilesWide: Int

    /// - Precondition: ``isEligible(_:)``.
    package init(_ geometry: ConvolutionGeometry, tile: Tile) {
        precondition(
            Self.isEligible(geometry), "Winograd needs a 3×3 kernel, stride and dilation 1, 16 channels or more")
        self.geometry = geometry
        self.tile = tile
        tilesHigh = (geometry.outHeight + tile.rawValue - 1) / tile.rawValue
        tilesWide = (geometry.outWidth + tile.rawValue - 1) / tile.rawValue
    }

    /// Whether a convolution can be lowered so: 3×3, stride 1, dilation 1, at least 16 channels in and out (the loops are
    /// vectors of 16 channels).
    package static func isEligible(_ g: ConvolutionGeometry) -> Bool {
        g.kernelHeight == 3 && g.kernelWidth == 3 && g.hasUnitStride && g.dilationHeight == 1 && g.dilationWidth == 1
            && g.channels >= 16 && g.filters >= 16
    }

    /// Whether a point's products are as small as ``RowProduct`` is for.
    private var takesRowProducts: Bool { geometry.channels * geometry.filters <= 16_384 && RowProduct.isFast }

    /// Tiles of one image.
    package var tileCount: Int { tilesHigh * tilesWide }
    /// Floats of the transformed weights, `[points, C, F]`; as many for their gradient.
    package var weightFloats: Int { tile.points * geometry.channels * geometry.filters }
    /// Floats of scratch for `images` images at once, or for `rows` rows of tiles of one.
    package func scratchFloats(images: Int, rows: Int? = nil) -> Int {
        tile.points * (rows ?? tilesHigh) * tilesWide * images * (geometry.channels + geometry.filters)
            + WinogradTransforms.scratchFloats + max(geometry.channels, geometry.filters)
    }

    /// `U = G·w·Gᵀ` for every channel pair: `w` `[3, 3, C, F]`, `u` `[points, C, F]`.
    package func transformWeights(_ w: UnsafePointer<Float>, into u: UnsafeMutablePointer<Float>) {
        let pairs = geometry.channels * geometry.filters
        switch tile {
        case .two: WinogradTransforms.weights2(w, pairs, u)
        case .four: WinogradTransforms.weights4(w, pairs, u)
        }
    }

    /// `y` of `images` consecutive images, with ReLU where asked; `u` from ``transformWeights(_:into:)``.
    /// - Parameters:
    ///   - rows: the rows of tiles that are done of each image; nil for all.
    ///   - x: `[images, H, W, C]`.  - bias: `[F]` or nil.  - y: `[images, outH, outW, F]`, overwritten.
    package func forward(
        images: Int, rows: Range<Int>? = nil, x: UnsafePointer<Float>, u: UnsafePointer<Float>,
        bias: UnsafePointer<Float>?, relu: Bool = false, y: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>
    ) {
        let (c, f) = (geometry.channels, geometry.filters)
        let rows = rows ?? 0..<tilesHigh
        let each = rows.count * tilesWide, tiles = each * images
        let v = scratch, products = v + tile.points * tiles * c
        let rest = products + tile.points * tiles * f
        transformInputs(images, rows, x, v, rest)
        for point in 0..<tile.points {
            let (a, b, y) = (v + point * tiles * c, u + point * c * f, products + point * tiles * f)
            if takesRowProducts {
                RowProduct.multiply(m: tiles, n: f, k: c, a: .init(pointer: a, row: c, step: 1), b: b, c: y)
            } else {
                BLAS.gemm(m: tiles, n: f, k: c, a: a, lda: c, b: b, ldb: f, c: y, ldc: f)
            }
        }
        for image in 0..<images {
            let source = products + image * each * f, target = y + image * geometry.outputCount
            switch tile {
            case .two: WinogradTransforms.output2(self, rows, source, tiles * f, bias, relu, target, rest)
            case .four: WinogradTransforms.output4(self, rows, source, tiles * f, bias, relu, target, rest)
            }
        }
    }

    /// Adds to `du` `[points, C, F]` (or overwrites it) the transformed weight gradient of `images` images, or of rows of
    /// tiles of each.
    package func addWeightGradient(
        images: Int, rows: Range<Int>? = nil, x: UnsafePointer<Float>, dy: UnsafePointer<Float>,
        du: UnsafeMutablePointer<Float>,
        accumulate: Bool, scratch: UnsafeMutablePointer<Float>
    ) {
        let (c, f) = (geometry.channels, geometry.filters)
        let rows = rows ?? 0..<tilesHigh
        let each = rows.count * tilesWide, tiles = each * images
        let v = scratch, d = v + tile.points * tiles * c
        let rest = d + tile.points * tiles * f
        transformInputs(images, rows, x, v, rest)
        for image in 0..<images {
            let source = dy + image * geometry.outputCount, target = d + image * each * f
            switch tile {
            case .two: WinogradTransforms.gradient2(self, rows, source, target, tiles * f, rest)
            case .four: WinogradTransforms.gradient4(self, rows, source, target, tiles * f, rest)
            }
        }
        for point in 0..<tile.points {
            let (a, b, sum) = (v + point * tiles * c, d + point * tiles * f, du + point * c * f)
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

    /// `dw = Gᵀ·du·G`, `[3, 3, C, F]`, overwritten.
    package func finishWeightGradient(_ du: UnsafePointer<Float>, into dw: UnsafeMutablePointer<Float>) {
        let pairs = geometry.channels * geometry.filters
        switch tile {
        case .two: WinogradTransforms.weightGradient2(du, pairs, dw)
        case .four: WinogradTransforms.weightGradient4(du, pairs, dw)
        }
    }

    private func transformInputs(
        _ images: Int, _ rows: Range<Int>, _ x: UnsafePointer<Float>, _ v: UnsafeMutablePointer<Float>,
        _ rest: UnsafeMutablePointer<Float>
    ) {
        let c = geometry.channels, each = rows.count * tilesWide, plane = each * images * c
        for image in 0..<images {
            let source = x + image * geometry.inputCount, target = v + image * each * c
            switch tile {
            case .two: WinogradTransforms.input2(self, rows, source, target, plane, rest)
            case .four: WinogradTransforms.input4(self, rows, source, target, plane, rest)
            }
        }
    }
}
