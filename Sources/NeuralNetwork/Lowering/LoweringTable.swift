import Kernels

/// One direction of a convolution, for which a lowering is chosen.
package struct LoweringTask: Hashable, Sendable {
    package enum Direction: String, CaseIterable, Sendable { case forward, inputGradient, weightGradient }

    package let direction: Direction
    /// The layer's geometry.
    package let geometry: ConvolutionGeometry

    package init(_ direction: Direction, _ geometry: ConvolutionGeometry) {
        self.direction = direction
        self.geometry = geometry
    }

    /// The convolution to compute: the layer's, or, for an input gradient with stride 1, that of `∂Y`.
    var computed: ConvolutionGeometry {
        direction == .inputGradient && geometry.hasUnitStride ? geometry.inputGradientGeometry : geometry
    }

    /// Whether this is a strided convolution's input gradient, which is a product and a scatter, and nothing else.
    var isScattered: Bool { direction == .inputGradient && !geometry.hasUnitStride }

    /// Whether this direction can be computed this way.
    package func allows(_ kind: Lowering.Kind) -> Bool {
        isScattered ? kind == .im2col : kind.isEligible(for: computed)
    }

    /// Returns the model's choice `kind` if this direction supports it.
    func allowed(_ kind: Lowering.Kind?) -> Lowering.Kind? { kind.flatMap { allows($0) ? $0 : nil } }

    /// The lowering used without timing, from measurements on two servers (AVX-512 and AVX2, OpenBLAS 0.3.21): F(4×4)
    /// where little of its tiles is wasted at the border, F(2×2) where more is, im2col where neither pays off, and no
    /// product at all for few input channels. The weight gradient, whose products are thinner, demands less waste of
    /// F(4×4).
    package var tabled: Lowering {
        let g = computed
        if allows(.direct) { return Lowering(.direct) }
        if allows(.winograd4) {
            if waste(g, .four) <= (direction == .weightGradient ? 1.1 : 1.35) { return tabled(.winograd4) }
            if waste(g, .two) <= 1.5 { return tabled(.winograd2) }
        }
        if allows(.winogradLine), waste(g, .line) <= 1.35 { return tabled(.winogradLine) }
        return tabled(.im2col)
    }

    /// Returns a lowering of this kind whose piece size is chosen by rule.
    package func tabled(_ kind: Lowering.Kind) -> Lowering {
        let g = computed
        if let tile = kind.winogradTile {
            let winograd = Winograd(g, tile: tile)
            let images = max(1, Self.cacheFloats / winograd.scratchFloats(images: 1))
            let rows = winograd.tilesHigh * min(images, Self.mostImages)
            return Lowering(kind, rows: min(rows, Lowering.legalRows.upperBound))
        }
        switch kind {
        case .shifted:
            let windows = ShiftedConvolution(g).windows
            return Lowering(kind, rows: TileTable.rows(n: g.filters, k: g.channels, available: windows))
        case .im2col where isScattered:
            return Lowering(kind, rows: TileTable.rows(n: g.depth, k: g.filters, available: g.outRows))
        default: return Lowering(kind, rows: TileTable.rows(n: g.filters, k: g.depth, available: g.outRows))
        }
    }

    /// The number of floats of Winograd scratch that stay in a core's L2 cache.
    private static let cacheFloats = 131_072
    /// The maximum number of images that Winograd processes at once.
    static let mostImages = 8

    /// Returns the ratio of pixels covered by tiles to the pixels of the image.
    private func waste(_ g: ConvolutionGeometry, _ tile: Winograd.Tile) -> Double {
        let rows = (g.outHeight + tile.height - 1) / tile.height, columns = (g.outWidth + tile.width - 1) / tile.width
        return Double(rows * columns * tile.height * tile.width) / Double(g.outRows)
    }

    /// Returns the lowerings of these kinds that are worth timing, the table's first.
    func candidates(_ kinds: [Lowering.Kind]) -> [Lowering] {
        let g = computed
        var result = kinds.contains(tabled.kind) ? [tabled] : []
        func add(_ kind: Lowering.Kind, _ rows: [Int], most: Int) {
            for rows in rows {
                let lowering = Lowering(kind, rows: max(1, min(rows, most, Lowering.legalRows.upperBound)))
                if !result.contains(lowering) { result.append(lowering) }
            }
        }
        for kind in kinds where allows(kind) {
            let rows = tabled(kind).rows
            switch kind {
            case .direct: add(kind, [1], most: 1)
            case .im2col: add(kind, [rows, rows * 2, (rows / 2 + 11) / 12 * 12, g.outRows], most: min(g.outRows, 1024))
            case .shifted:
                let windows = ShiftedConvolution(g).windows
                add(kind, [rows, rows * 4, windows], most: min(windows, 4096))
            case .winograd2, .winograd4, .winogradLine:
                guard let tile = kind.winogradTile else { continue }
                let high = Winograd(g, tile: tile).tilesHigh, one = Winograd(g, tile: tile).scratchFloats(images: 1)
                if one > 2 * Self.cacheFloats {
                    // Strips, for an image that is larger than the cache.
                    let strip = max(1, high * Self.cacheFloats / one)
                    add(kind, [high, strip, 2 * strip], most: high)
                } else {
                    add(kind, [high, rows, 2 * rows], most: high * Self.mostImages)
                }
            }
        }
        return result
    }
}

extension ConvolutionLowering {
    /// Creates each direction's lowering from the table.
    package init(_ geometry: ConvolutionGeometry) {
        func tabled(_ direction: LoweringTask.Direction) -> Lowering { LoweringTask(direction, geometry).tabled }
        self.init(
            forward: tabled(.forward), inputGradient: tabled(.inputGradient), weightGradient: tabled(.weightGradient))
    }

    /// Creates lowerings of one kind in every direction that supports it; the others are the table's.
    init(_ geometry: ConvolutionGeometry, kind: Lowering.Kind) {
        func tabled(_ direction: LoweringTask.Direction) -> Lowering {
            let task = LoweringTask(direction, geometry)
            return task.allows(kind) ? task.tabled(kind) : task.tabled
        }
        self.init(
            forward: tabled(.forward), inputGradient: tabled(.inputGradient), weightGradient: tabled(.weightGradient))
    }

    subscript(_ direction: LoweringTask.Direction) -> Lowering {
        get {
            switch direction {
            case .forward: forward
            case .inputGradient: inputGradient
            case .weightGradient: weightGradient
            }
        }
        set {
            switch direction {
            case .forward: forward = newValue
            case .inputGradient: inputGradient = newValue
            case .weightGradient: weightGradient = newValue
            }
        }
    }
}
