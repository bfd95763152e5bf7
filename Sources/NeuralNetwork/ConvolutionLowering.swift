import Kernels

/// How one direction of a convolution is turned into matrix products.
public enum Lowering: Hashable, Sendable, CustomStringConvertible {
    /// im2col in tiles of so many output pixels.
    case im2col(rows: Int)
    /// No matrix product: few input channels.
    case direct
    /// Winograd's F(2×2, 3×3) or F(4×4, 3×3).
    case winograd(Winograd.Tile)

    public var description: String {
        switch self {
        case .im2col(let rows): "im2col, tiles of \(rows) rows"
        case .direct: "direct"
        case .winograd(.two): "Winograd F(2×2)"
        case .winograd(.four): "Winograd F(4×4)"
        }
    }
}

/// The three directions of one convolution.
public struct ConvolutionLowering: Hashable, Sendable {
    public var forward: Lowering
    public var inputGradient: Lowering
    public var weightGradient: Lowering

    /// What measurements say for a shape (two cores of AVX-512 and AVX2 servers, OpenBLAS 0.3.21): F(4×4) where little of
    /// its tiles is wasted at the border, F(2×2) where more is, im2col where neither pays, no product at all where input
    /// channels are few. The weight gradient, whose products are thinner, is pickier.
    public init(_ g: ConvolutionGeometry) {
        forward = Self.best(g, largestWaste: 1.35)
        weightGradient = Self.best(g, largestWaste: 1.1)
        if g.hasUnitStride {
            inputGradient = Self.best(g.inputGradientGeometry, largestWaste: 1.35)
        } else {
            inputGradient = .im2col(rows: TileTable.rows(n: g.depth, k: g.filters, available: g.outRows))
        }
    }

    private static func best(_ g: ConvolutionGeometry, largestWaste: Double) -> Lowering {
        if DirectConvolution.isEligible(g) { return .direct }
        if Winograd.isEligible(g) {
            if waste(g, 4) <= largestWaste { return .winograd(.four) }
            if waste(g, 2) <= 1.5 { return .winograd(.two) }
        }
        return .im2col(rows: TileTable.rows(n: g.filters, k: g.depth, available: g.outRows))
    }

    /// Pixels that tiles of `side` cover, over those of the image.
    private static func waste(_ g: ConvolutionGeometry, _ side: Int) -> Double {
        let covered = (g.outHeight + side - 1) / side * side * ((g.outWidth + side - 1) / side * side)
        return Double(covered) / Double(g.outRows)
    }
}

extension ResolvedGraph.Node {
    /// How the layer is computed, in words.
    public var lowering: String {
        switch layer {
        case .conv2d:
            guard case .convolution(let geometry)? = geometry else { return "" }
            if geometry.isPointwise {
                return
                    "GEMM, tiles of \(TileTable.rows(n: geometry.filters, k: geometry.depth, available: geometry.outRows)) rows"
            }
            let choice = ConvolutionLowering(geometry)
            var text = choice.forward.description
            // The network's input needs no gradient.
            if choice.inputGradient != choice.forward, inputs != [-1] { text += "; input gradient \(choice.inputGradient)" }
            if choice.weightGradient != choice.forward { text += "; weight gradient \(choice.weightGradient)" }
            return text
        case .dense:
            return inputShapes[0].count * outputShape.count >= DenseCore.blockedFromWeights
                ? "GEMM in blocks of weights" : "GEMM in shards of images"
        default: return ""
        }
    }
}
