import Kernels

/// How one direction of a convolution is turned into matrix products, and the size of its pieces.
public struct Lowering: Hashable, Sendable, CustomStringConvertible {
    /// A way of turning a convolution into matrix products.
    public enum Kind: String, CaseIterable, Sendable {
        /// The im2col matrix in tiles of output pixels, with one product each.
        case im2col
        /// One product for each position of the kernel, on shifted views of the padded image (`ShiftedConvolution`).
        case shifted
        /// No matrix product, for few input channels (`DirectConvolution`).
        case direct
        /// Winograd's F(2×2, 3×3) (`Winograd`).
        case winograd2
        /// Winograd's F(4×4, 3×3).
        case winograd4
        /// Winograd's F(4, r) along lines, for kernels of one row.
        case winogradLine

        var winogradTile: Winograd.Tile? {
            switch self {
            case .winograd2: .two
            case .winograd4: .four
            case .winogradLine: .line
            default: nil
            }
        }

        /// Whether a convolution can be computed this way.
        package func isEligible(for g: ConvolutionGeometry) -> Bool {
            switch self {
            case .im2col: true
            case .shifted: ShiftedConvolution.isEligible(g)
            case .direct: DirectConvolution.isEligible(g)
            case .winograd2: Winograd.isEligible(g, .two)
            case .winograd4: Winograd.isEligible(g, .four)
            case .winogradLine: Winograd.isEligible(g, .line)
            }
        }

        /// The requirement that ``isEligible(for:)`` checks, in words.
        package var requirement: String {
            switch self {
            case .im2col: "any convolution"
            case .shifted: "strides of 1 and a kernel larger than 1×1"
            case .direct:
                "at most \(DirectConvolution.largestDepth) taps a filter, dilation 1 and filters in multiples of 16"
            case .winograd2, .winograd4: "a 3×3 kernel, strides and dilation of 1, and 16 channels or more in and out"
            case .winogradLine:
                "a 1×3 or 1×5 kernel, strides and dilation of 1, and 16 channels or more in and out"
            }
        }
    }

    /// The legal piece sizes.
    public static let legalRows = 1...99_999

    /// The kind of lowering.
    public var kind: Kind
    /// The size of a piece: output pixels (im2col), windows (shifted), or rows of tiles (Winograd; more rows than an
    /// image has mean that many whole images). Always 1 where it has no meaning (direct).
    public var rows: Int

    /// - Precondition: `rows` in ``legalRows``.
    public init(_ kind: Kind, rows: Int = 1) {
        precondition(Self.legalRows.contains(rows), "a piece has 1 to 99999 rows")
        self.kind = kind
        self.rows = kind == .direct ? 1 : rows
    }

    /// Creates a lowering from its ``text``; `nil` if it is not valid.
    public init?(text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard let kind = parts.first.flatMap({ Kind(rawValue: String($0)) }) else { return nil }
        if kind == .direct {
            guard parts.count == 1 else { return nil }
            self.init(kind)
            return
        }
        // Canonical decimal digits only, without sign or leading zero, so that text and value correspond one to one.
        guard parts.count == 2, let rows = Int(parts[1]), Self.legalRows.contains(rows), "\(rows)" == parts[1] else {
            return nil
        }
        self.init(kind, rows: rows)
    }

    /// The notation in configurations: `im2col:96`, `shifted:784`, `winograd4:7`, `direct`.
    public var text: String { kind == .direct ? kind.rawValue : "\(kind.rawValue):\(rows)" }

    /// A description in words: `im2col, tiles of 96 rows`.
    public var description: String {
        switch kind {
        case .im2col: "im2col, tiles of \(rows) rows"
        case .shifted: "shifted views, tiles of \(rows) rows"
        case .direct: "direct"
        case .winograd2: "Winograd F(2×2), \(rows) tile rows"
        case .winograd4: "Winograd F(4×4), \(rows) tile rows"
        case .winogradLine: "Winograd along lines, \(rows) rows"
        }
    }
}

/// The lowerings of the three directions of one convolution.
public struct ConvolutionLowering: Hashable, Sendable {
    /// `Y` of `X` and `W`.
    public var forward: Lowering
    /// `dX` of `dY` and `W`.
    public var inputGradient: Lowering
    /// `dW` of `X` and `dY`.
    public var weightGradient: Lowering

    /// Creates a lowering for each direction.
    public init(forward: Lowering, inputGradient: Lowering, weightGradient: Lowering) {
        self.forward = forward
        self.inputGradient = inputGradient
        self.weightGradient = weightGradient
    }
}

/// A configuration's choice of a convolution's lowering.
public enum LoweringChoice: Hashable, Sendable {
    /// The fastest by timing (`LoweringTuner`); before anything was timed, by a table.
    case auto
    /// This kind in every direction, with pieces as in `auto`. If only the input gradient does not support it (that of
    /// a strided convolution, or of a first layer's direct one), that direction is as in `auto`.
    case kind(Lowering.Kind)
    /// A complete lowering, as a run stores it, so that repeating the run gives the same bits.
    case resolved(ConvolutionLowering)
}

/// How a dense layer's work is divided.
public enum DenseLowering: Hashable, Sendable, CustomStringConvertible {
    /// By images: each shard multiplies with all weights and keeps its own weight gradient.
    case images
    /// By blocks of `features` input features: each block is read once per pass, and the weight gradient needs no
    /// partial sums.
    case weights(features: Int)

    /// The legal block sizes.
    public static let legalFeatures = 1...99_999

    /// Creates a lowering from its ``text``; `nil` if it is not valid.
    public init?(text: String) {
        if text == "images" {
            self = .images
            return
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0] == "weights", let features = Int(parts[1]),
            Self.legalFeatures.contains(features), "\(features)" == parts[1]
        else { return nil }
        self = .weights(features: features)
    }

    /// The notation in configurations: `images`, `weights:128`.
    public var text: String {
        switch self {
        case .images: "images"
        case .weights(let features): "weights:\(features)"
        }
    }

    /// A description in words: `GEMM in shards of images`.
    public var description: String {
        switch self {
        case .images: "GEMM in shards of images"
        case .weights(let features): "GEMM in blocks of \(features) features"
        }
    }

    /// Returns the choice without timing: weights that fit a core's cache stay there while it processes its images.
    static func table(features: Int, units: Int) -> DenseLowering {
        features * units >= 65_536 ? .weights(features: 128) : .images
    }
}
