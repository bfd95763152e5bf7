import Tensors

/// The transforms before and after Winograd's matrix products, along lines and then along columns, sixteen channels at
/// a time. The last vector of a row whose length is not a multiple of 16 overlaps the previous one and rewrites the
/// same values.
///
/// A transformed tile has n² values per channel, n = m + 2, each in its own plane; value `p` of tile `t` is at
/// `p·plane + t·channels`.
enum WinogradTransforms<Lines: WinogradLines> {
    typealias Lanes = SIMD16<Float>

    /// The stride between lines of a tile, between the two transforms.
    @inline(__always)
    private static var stride: Int { Lines.points &* 16 }

    /// Computes `V = Bᵀ·d·B` for every tile of one image.
    static func input(
        _ w: Winograd, _ tileRows: Range<Int>, _ x: UnsafePointer<Float>, _ v: UnsafeMutablePointer<Float>,
        _ plane: Int, _ rest: UnsafeMutablePointer<Float>
    ) {
        let g = w.geometry, c = g.channels, n = Lines.points, m = Lines.outputs
        let zeros = WinogradScratch.zeroRow(rest, c)
        let line = g.width &* c
        var target = v
        for ty in tileRows {
            for tx in 0..<w.tilesWide {
                let y0 = ty &* m &- g.padTop, x0 = tx &* m &- g.padLeft
                let inside = y0 >= 0 && x0 >= 0 && y0 &+ n <= g.height && x0 &+ n <= g.width
                for index in 0..<WinogradVectors.count(c) {
                    let channel = WinogradVectors.start(index, c)
                    for i in 0..<n {
                        let row = y0 &+ i
                        let isRow = inside || (row >= 0 && row < g.height)
                        let base = x + (row &* line &+ x0 &* c &+ channel)
                        let t = rest + i &* stride
                        Lines.input(
                            { j in
                                if inside { return base.lanes(j &* c) }
                                let column = x0 &+ j
                                return isRow && column >= 0 && column < g.width
                                    ? base.lanes(j &* c) : zeros.lanes(channel)
                            }, { t.setLanes($0 &* 16, $1) })
                    }
                    for j in 0..<n {
                        let t = rest + j &* 16, out = target + (j &* plane &+ channel)
                        Lines.input({ t.lanes($0 &* stride) }, { out.setLanes($0 &* n &* plane, $1) })
                    }
                }
                target += c
            }
        }
    }

    /// Computes `y = Aᵀ·M·A` for every tile of one image, adds the bias and applies ReLU if requested. The part of an
    /// edge tile outside the output is discarded.
    static func output(
        _ w: Winograd, _ tileRows: Range<Int>, _ products: UnsafePointer<Float>, _ plane: Int,
        _ bias: UnsafePointer<Float>?, _ relu: Bool,
        _ y: UnsafeMutablePointer<Float>, _ rest: UnsafeMutablePointer<Float>
    ) {
        let g = w.geometry, f = g.filters, n = Lines.points, m = Lines.outputs
        let bias = bias ?? WinogradScratch.zeroRow(rest, f)
        let floor = Lanes(repeating: relu ? 0 : -.infinity)
        var source = products
        for ty in tileRows {
            let rows = min(m, g.outHeight &- ty &* m)
            for tx in 0..<w.tilesWide {
                let columns = min(m, g.outWidth &- tx &* m)
                let corner = y + (ty &* m &* g.outWidth &+ tx &* m) &* f
                for index in 0..<WinogradVectors.count(f) {
                    let channel = WinogradVectors.start(index, f)
                    let shift = bias.lanes(channel)
                    for j in 0..<n {
                        let s = source + (j &* plane &+ channel), t = rest + j &* 16
                        Lines.output({ s.lanes($0 &* n &* plane) }, { t.setLanes($0 &* stride, $1) })
                    }
                    for i in 0..<rows {
                        let t = rest + i &* stride, out = corner + (i &* g.outWidth &* f &+ channel)
                        Lines.output(
                            { t.lanes($0 &* 16) },
                            { j, value in
                                guard j < columns else { return }
                                let sum = value + shift
                                out.setLanes(j &* f, sum.replacing(with: floor, where: sum .< floor))
                            })
                    }
                }
                source += f
            }
        }
    }

    /// Computes `D = A·∂y·Aᵀ` for every tile of one image, `∂y` being zero outside it.
    static func gradient(
        _ w: Winograd, _ tileRows: Range<Int>, _ dy: UnsafePointer<Float>, _ d: UnsafeMutablePointer<Float>,
        _ plane: Int, _ rest: UnsafeMutablePointer<Float>
    ) {
        let g = w.geometry, f = g.filters, n = Lines.points, m = Lines.outputs
        let zeros = WinogradScratch.zeroRow(rest, f)
        var target = d
        for ty in tileRows {
            let rows = min(m, g.outHeight &- ty &* m)
            for tx in 0..<w.tilesWide {
                let columns = min(m, g.outWidth &- tx &* m)
                let corner = dy + (ty &* m &* g.outWidth &+ tx &* m) &* f
                for index in 0..<WinogradVectors.count(f) {
                    let channel = WinogradVectors.start(index, f)
                    for i in 0..<m {
                        let source = corner + (i &* g.outWidth &* f &+ channel), t = rest + i &* stride
                        Lines.spread(
                            { j in i < rows && j < columns ? source.lanes(j &* f) : zeros.lanes(channel) },
                            { t.setLanes($0 &* 16, $1) })
                    }
                    for j in 0..<n {
                        let t = rest + j &* 16, out = target + (j &* plane &+ channel)
                        Lines.spread({ t.lanes($0 &* stride) }, { out.setLanes($0 &* n &* plane, $1) })
                    }
                }
                target += f
            }
        }
    }

    /// Computes `U = G·w·Gᵀ`, from nine planes of `pairs` floats to n².
    static func weights(_ w: UnsafePointer<Float>, _ pairs: Int, _ u: UnsafeMutablePointer<Float>, _ plane: Int) {
        let n = Lines.points
        WinogradScratch.withTile { rest in
            for index in 0..<WinogradVectors.count(pairs) {
                let s = w + WinogradVectors.start(index, pairs), target = u + WinogradVectors.start(index, pairs)
                for i in 0..<3 {
                    let t = rest + i &* stride
                    Lines.kernel({ s.lanes((3 &* i &+ $0) &* pairs) }, { t.setLanes($0 &* 16, $1) })
                }
                for j in 0..<n {
                    let t = rest + j &* 16, out = target + j &* plane
                    Lines.kernel({ t.lanes($0 &* stride) }, { out.setLanes($0 &* n &* plane, $1) })
                }
            }
        }
    }

    /// Computes `∂w = Gᵀ·∂U·G`, from n² planes to nine.
    static func weightGradient(
        _ du: UnsafePointer<Float>, _ plane: Int, _ pairs: Int, _ dw: UnsafeMutablePointer<Float>
    ) {
        let n = Lines.points
        WinogradScratch.withTile { rest in
            for index in 0..<WinogradVectors.count(pairs) {
                let s = du + WinogradVectors.start(index, pairs), target = dw + WinogradVectors.start(index, pairs)
                for i in 0..<n {
                    let row = s + i &* n &* plane, t = rest + i &* stride
                    Lines.gathered({ row.lanes($0 &* plane) }, { t.setLanes($0 &* 16, $1) })
                }
                for j in 0..<3 {
                    let t = rest + j &* 16, out = target + j &* pairs
                    Lines.gathered({ t.lanes($0 &* stride) }, { out.setLanes(3 &* $0 &* pairs, $1) })
                }
            }
        }
    }
}

/// Rows of channels in vectors of 16; the last one overlaps if their number is not a multiple of 16.
enum WinogradVectors {
    /// The first channel of vector `index`.
    @inline(__always)
    static func start(_ index: Int, _ count: Int) -> Int { min(index &* 16, count &- 16) }

    @inline(__always)
    static func count(_ count: Int) -> Int { (count &+ 15) / 16 }
}

/// Per-thread scratch of the transforms: a tile and a row of zeros.
enum WinogradScratch {
    /// Floats of a tile of 16 channels between the line and column transforms.
    static let tileFloats = 36 * 16

    /// Zeroes the row of channels after the tile, which stands for pixels outside the image.
    @inline(__always)
    static func zeroRow(_ rest: UnsafeMutablePointer<Float>, _ count: Int) -> UnsafePointer<Float> {
        let zeros = rest + tileFloats
        zeros.update(repeating: 0, count: count)
        return UnsafePointer(zeros)
    }

    /// Calls `body` with a tile allocated on the stack.
    @inline(__always)
    static func withTile(_ body: (UnsafeMutablePointer<Float>) -> Void) {
        withUnsafeTemporaryAllocation(byteCount: tileFloats * 4, alignment: 64) { bytes in
            let floats = bytes.bindMemory(to: Float.self)
            if let first = floats.baseAddress { body(first) }
        }
    }
}
