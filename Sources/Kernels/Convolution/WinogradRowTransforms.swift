import Tensors

/// The transforms of ``WinogradTransforms`` for kernels of one row: along lines alone. A tile is part of one line, with
/// n points; value `p` of tile `t` is at `p·plane + t·channels`.
enum WinogradRowTransforms<Lines: WinogradLines> {
    /// Computes `V = Bᵀ·d` for every tile of one image.
    static func input(
        _ w: Winograd, _ tileRows: Range<Int>, _ x: UnsafePointer<Float>, _ v: UnsafeMutablePointer<Float>,
        _ plane: Int, _ rest: UnsafeMutablePointer<Float>
    ) {
        let g = w.geometry, c = g.channels, n = Lines.points, m = Lines.outputs
        let zeros = WinogradScratch.zeroRow(rest, c)
        var target = v
        for ty in tileRows {
            let row = ty &- g.padTop
            let isRow = row >= 0 && row < g.height
            for tx in 0..<w.tilesWide {
                let x0 = tx &* m &- g.padLeft
                let inside = isRow && x0 >= 0 && x0 &+ n <= g.width
                for index in 0..<WinogradVectors.count(c) {
                    let channel = WinogradVectors.start(index, c)
                    let base = x + ((row &* g.width &+ x0) &* c &+ channel), out = target + channel
                    Lines.input(
                        { j in
                            if inside { return base.lanes(j &* c) }
                            let column = x0 &+ j
                            return isRow && column >= 0 && column < g.width
                                ? base.lanes(j &* c) : zeros.lanes(channel)
                        }, { out.setLanes($0 &* plane, $1) })
                }
                target += c
            }
        }
    }

    /// Computes `y = Aᵀ·M` for every tile of one image, adds the bias and applies ReLU if requested. The part of an edge
    /// tile outside the output is discarded.
    static func output(
        _ w: Winograd, _ tileRows: Range<Int>, _ products: UnsafePointer<Float>, _ plane: Int,
        _ bias: UnsafePointer<Float>?, _ relu: Bool,
        _ y: UnsafeMutablePointer<Float>, _ rest: UnsafeMutablePointer<Float>
    ) {
        let g = w.geometry, f = g.filters, m = Lines.outputs
        let bias = bias ?? WinogradScratch.zeroRow(rest, f)
        let floor = Lines.Lanes(repeating: relu ? 0 : -.infinity)
        var source = products
        for ty in tileRows {
            for tx in 0..<w.tilesWide {
                let columns = min(m, g.outWidth &- tx &* m)
                let corner = y + (ty &* g.outWidth &+ tx &* m) &* f
                for index in 0..<WinogradVectors.count(f) {
                    let channel = WinogradVectors.start(index, f)
                    let shift = bias.lanes(channel), s = source + channel, out = corner + channel
                    Lines.output(
                        { s.lanes($0 &* plane) },
                        { j, value in
                            guard j < columns else { return }
                            let sum = value + shift
                            out.setLanes(j &* f, sum.replacing(with: floor, where: sum .< floor))
                        })
                }
                source += f
            }
        }
    }

    /// Computes `D = A·∂y` for every tile of one image, `∂y` being zero outside it.
    static func gradient(
        _ w: Winograd, _ tileRows: Range<Int>, _ dy: UnsafePointer<Float>, _ d: UnsafeMutablePointer<Float>,
        _ plane: Int, _ rest: UnsafeMutablePointer<Float>
    ) {
        let g = w.geometry, f = g.filters, m = Lines.outputs
        let zeros = WinogradScratch.zeroRow(rest, f)
        var target = d
        for ty in tileRows {
            for tx in 0..<w.tilesWide {
                let columns = min(m, g.outWidth &- tx &* m)
                let corner = dy + (ty &* g.outWidth &+ tx &* m) &* f
                for index in 0..<WinogradVectors.count(f) {
                    let channel = WinogradVectors.start(index, f)
                    let source = corner + channel, out = target + channel
                    Lines.spread(
                        { j in j < columns ? source.lanes(j &* f) : zeros.lanes(channel) },
                        { out.setLanes($0 &* plane, $1) })
                }
                target += f
            }
        }
    }

    /// Computes `U = G·w`, from r planes of `pairs` floats to n.
    static func weights(_ w: UnsafePointer<Float>, _ pairs: Int, _ u: UnsafeMutablePointer<Float>, _ plane: Int) {
        for index in 0..<WinogradVectors.count(pairs) {
            let first = WinogradVectors.start(index, pairs)
            Lines.kernel({ (w + first).lanes($0 &* pairs) }, { (u + first).setLanes($0 &* plane, $1) })
        }
    }

    /// Computes `∂w = Gᵀ·∂U`, from n planes to r.
    static func weightGradient(
        _ du: UnsafePointer<Float>, _ plane: Int, _ pairs: Int, _ dw: UnsafeMutablePointer<Float>
    ) {
        for index in 0..<WinogradVectors.count(pairs) {
            let first = WinogradVectors.start(index, pairs)
            Lines.gathered({ (du + first).lanes($0 &* plane) }, { (dw + first).setLanes($0 &* pairs, $1) })
        }
    }
}
