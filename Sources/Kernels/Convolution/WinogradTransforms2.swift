import Tensors

// F(2×2, 3×3): as in WinogradTransforms.swift, with tiles of four by four points.
extension WinogradTransforms {
    /// `Bᵀ·d` along one line of four.
    @inline(__always)
    private static func b2(_ d0: Lanes, _ d1: Lanes, _ d2: Lanes, _ d3: Lanes) -> (Lanes, Lanes, Lanes, Lanes) {
        (d0 - d2, d1 + d2, d2 - d1, d1 - d3)
    }

    /// `V = Bᵀ·d·B` of every tile of one image.
    static func input2(
        _ w: Winograd, _ tileRows: Range<Int>, _ x: UnsafePointer<Float>, _ v: UnsafeMutablePointer<Float>,
        _ plane: Int,
        _ rest: UnsafeMutablePointer<Float>
    ) {
        let g = w.geometry, c = g.channels
        let zeros = zeroRow(rest, c)
        let line = g.width &* c
        var target = v
        for ty in tileRows {
            for tx in 0..<w.tilesWide {
                let y0 = ty &* 2 &- g.padTop, x0 = tx &* 2 &- g.padLeft
                let inside = y0 >= 0 && x0 >= 0 && y0 &+ 4 <= g.height && x0 &+ 4 <= g.width
                for index in 0..<vectors(c) {
                    let channel = start(index, c)
                    for i in 0..<4 {
                        let row = y0 &+ i
                        let isRow = inside || (row >= 0 && row < g.height)
                        let base = x + (row &* line &+ x0 &* c &+ channel)
                        @inline(__always) func load(_ j: Int) -> Lanes {
                            if inside { return base.lanes(j &* c) }
                            let column = x0 &+ j
                            return isRow && column >= 0 && column < g.width
                                ? base.lanes(j &* c) : zeros.lanes(channel)
                        }
                        let r = b2(load(0), load(1), load(2), load(3))
                        let t = rest + i &* 64
                        t.setLanes(0, r.0); t.setLanes(16, r.1); t.setLanes(32, r.2); t.setLanes(48, r.3)
                    }
                    for j in 0..<4 {
                        let t = rest + j &* 16
                        let r = b2(t.lanes(0), t.lanes(64), t.lanes(128), t.lanes(192))
                        let out = target + (j &* plane &+ channel)
                        out.setLanes(0, r.0)
                        out.setLanes(4 &* plane, r.1)
                        out.setLanes(8 &* plane, r.2)
                        out.setLanes(12 &* plane, r.3)
                    }
                }
                target += c
            }
        }
    }

    /// `Aᵀ·m` along one line of four.
    @inline(__always)
    private static func a2(_ m0: Lanes, _ m1: Lanes, _ m2: Lanes, _ m3: Lanes) -> (Lanes, Lanes) {
        (m0 + m1 + m2, m1 - m2 - m3)
    }

    /// `y = Aᵀ·M·A` of every tile of one image, plus the bias, then ReLU where asked; what a last tile has
    /// too many is left out.
    static func output2(
        _ w: Winograd, _ tileRows: Range<Int>, _ products: UnsafePointer<Float>, _ plane: Int,
        _ bias: UnsafePointer<Float>?, _ relu: Bool,
        _ y: UnsafeMutablePointer<Float>, _ rest: UnsafeMutablePointer<Float>
    ) {
        let g = w.geometry, f = g.filters
        let bias = bias ?? zeroRow(rest, f)
        let floor = Lanes(repeating: relu ? 0 : -.infinity)
        var source = products
        for ty in tileRows {
            let rows = min(2, g.outHeight &- ty &* 2)
            for tx in 0..<w.tilesWide {
                let columns = min(2, g.outWidth &- tx &* 2)
                let corner = y + (ty &* 2 &* g.outWidth &+ tx &* 2) &* f
                for index in 0..<vectors(f) {
                    let channel = start(index, f)
                    let shift = bias.lanes(channel)
                    for j in 0..<4 {
                        let m = source + (j &* plane &+ channel)
                        let r = a2(
                            m.lanes(0), m.lanes(4 &* plane), m.lanes(8 &* plane), m.lanes(12 &* plane))
                        let t = rest + j &* 16
                        t.setLanes(0, r.0); t.setLanes(64, r.1)
                    }
                    for i in 0..<rows {
                        let t = rest + i &* 64
                        let r = a2(t.lanes(0), t.lanes(16), t.lanes(32), t.lanes(48))
                        let out = corner + (i &* g.outWidth &* f &+ channel)
                        @inline(__always) func store(_ j: Int, _ value: Lanes) {
                            let sum = value + shift
                            out.setLanes(j &* f, sum.replacing(with: floor, where: sum .< floor))
                        }
                        store(0, r.0)
                        if columns > 1 { store(1, r.1) }
                    }
                }
                source += f
            }
        }
    }

    /// `A·y` along one line of two.
    @inline(__always)
    private static func spread2(_ y0: Lanes, _ y1: Lanes) -> (Lanes, Lanes, Lanes, Lanes) {
        (y0, y0 + y1, y0 - y1, -y1)
    }

    /// `D = A·∂y·Aᵀ` of every tile of one image, zero outside.
    static func gradient2(
        _ w: Winograd, _ tileRows: Range<Int>, _ dy: UnsafePointer<Float>, _ d: UnsafeMutablePointer<Float>,
        _ plane: Int,
        _ rest: UnsafeMutablePointer<Float>
    ) {
        let g = w.geometry, f = g.filters
        let zeros = zeroRow(rest, f)
        var target = d
        for ty in tileRows {
            let rows = min(2, g.outHeight &- ty &* 2)
            for tx in 0..<w.tilesWide {
                let columns = min(2, g.outWidth &- tx &* 2)
                let corner = dy + (ty &* 2 &* g.outWidth &+ tx &* 2) &* f
                for index in 0..<vectors(f) {
                    let channel = start(index, f)
                    for i in 0..<2 {
                        let source = corner + (i &* g.outWidth &* f &+ channel)
                        @inline(__always) func load(_ j: Int) -> Lanes {
                            i < rows && j < columns ? source.lanes(j &* f) : zeros.lanes(channel)
                        }
                        let r = spread2(load(0), load(1))
                        let t = rest + i &* 64
                        t.setLanes(0, r.0); t.setLanes(16, r.1); t.setLanes(32, r.2); t.setLanes(48, r.3)
                    }
                    for j in 0..<4 {
                        let t = rest + j &* 16
                        let r = spread2(t.lanes(0), t.lanes(64))
                        let out = target + (j &* plane &+ channel)
                        out.setLanes(0, r.0)
                        out.setLanes(4 &* plane, r.1)
                        out.setLanes(8 &* plane, r.2)
                        out.setLanes(12 &* plane, r.3)
                    }
                }
                target += f
            }
        }
    }

    /// `G·w` along one line of three.
    @inline(__always)
    private static func g2(_ w0: Lanes, _ w1: Lanes, _ w2: Lanes) -> (Lanes, Lanes, Lanes, Lanes) {
        let half = Lanes(repeating: 0.5)
        let outer = half * (w0 + w2), inner = half * w1
        return (w0, outer + inner, outer - inner, w2)
    }

    /// `U = G·w·Gᵀ`: nine planes of `pairs` floats become sixteen.
    static func weights2(_ w: UnsafePointer<Float>, _ pairs: Int, _ u: UnsafeMutablePointer<Float>, _ plane: Int) {
        let p = pairs
        for index in 0..<vectors(pairs) {
            let n = start(index, pairs)
            let s = w + n, t = u + n
            let a = g2(s.lanes(0), s.lanes(p), s.lanes(2 &* p))
            let b = g2(s.lanes(3 &* p), s.lanes(4 &* p), s.lanes(5 &* p))
            let c = g2(s.lanes(6 &* p), s.lanes(7 &* p), s.lanes(8 &* p))
            @inline(__always) func column(_ j: Int, _ x: Lanes, _ y: Lanes, _ z: Lanes) {
                let r = g2(x, y, z)
                let out = t + j &* plane
                out.setLanes(0, r.0)
                out.setLanes(4 &* plane, r.1)
                out.setLanes(8 &* plane, r.2)
                out.setLanes(12 &* plane, r.3)
            }
            column(0, a.0, b.0, c.0)
            column(1, a.1, b.1, c.1)
            column(2, a.2, b.2, c.2)
            column(3, a.3, b.3, c.3)
        }
    }

    /// `Gᵀ·u` along one line of four.
    @inline(__always)
    private static func gathered2(_ u0: Lanes, _ u1: Lanes, _ u2: Lanes, _ u3: Lanes) -> (Lanes, Lanes, Lanes) {
        let half = Lanes(repeating: 0.5)
        let sum = half * (u1 + u2)
        return (u0 + sum, half * (u1 - u2), sum + u3)
    }

    /// `∂w = Gᵀ·∂U·G`: sixteen planes become nine.
    static func weightGradient2(
        _ du: UnsafePointer<Float>, _ plane: Int, _ pairs: Int, _ dw: UnsafeMutablePointer<Float>
    ) {
        let p = pairs
        for index in 0..<vectors(pairs) {
            let n = start(index, pairs)
            let s = du + n, t = dw + n
            @inline(__always) func row(_ i: Int) -> (Lanes, Lanes, Lanes) {
                let r = s + i &* 4 &* plane
                return gathered2(r.lanes(0), r.lanes(plane), r.lanes(2 &* plane), r.lanes(3 &* plane))
            }
            let (a, b, c, d) = (row(0), row(1), row(2), row(3))
            let left = gathered2(a.0, b.0, c.0, d.0)
            let middle = gathered2(a.1, b.1, c.1, d.1)
            let right = gathered2(a.2, b.2, c.2, d.2)
            t.setLanes(0, left.0)
            t.setLanes(p, middle.0)
            t.setLanes(2 &* p, right.0)
            t.setLanes(3 &* p, left.1)
            t.setLanes(4 &* p, middle.1)
            t.setLanes(5 &* p, right.1)
            t.setLanes(6 &* p, left.2)
            t.setLanes(7 &* p, middle.2)
            t.setLanes(8 &* p, right.2)
        }
    }
}
