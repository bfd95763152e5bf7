import Tensors

/// The transforms around Winograd's matrix products, sixteen channels at a time. The last vector of a row whose length is
/// no multiple of 16 overlaps the one before: it writes the same values again.
///
/// Planes: a transformed tile has `points` values a channel; value `p` of tile `t` lies at `p·plane + t·channels`.
enum WinogradTransforms {
    typealias Lanes = SIMD16<Float>

    /// Vectors that hold a tile between the two one-dimensional transforms.
    static let scratchFloats = 36 * 16

    /// The first channel of vector `index`.
    @inline(__always)
    static func start(_ index: Int, _ count: Int) -> Int { min(index &* 16, count &- 16) }

    @inline(__always)
    static func vectors(_ count: Int) -> Int { (count &+ 15) / 16 }

    /// Zeroes one row of channels after the tile scratch: what lies outside the image.
    @inline(__always)
    static func zeroRow(_ rest: UnsafeMutablePointer<Float>, _ count: Int) -> UnsafePointer<Float> {
        let zeros = rest + scratchFloats
        zeros.update(repeating: 0, count: count)
        return UnsafePointer(zeros)
    }
}

// MARK: - F(4×4, 3×3)

extension WinogradTransforms {
    /// `Bᵀ·d` along one line of six.
    @inline(__always)
    private static func b4(
        _ d0: Lanes, _ d1: Lanes, _ d2: Lanes, _ d3: Lanes, _ d4: Lanes, _ d5: Lanes
    ) -> (Lanes, Lanes, Lanes, Lanes, Lanes, Lanes) {
        let four = Lanes(repeating: 4), five = Lanes(repeating: -5), two = Lanes(repeating: 2)
        let even = d4.addingProduct(-four, d2), odd = d3.addingProduct(-four, d1)
        let difference = d4 - d2, slope = d3 - d1
        return (
            d4.addingProduct(five, d2).addingProduct(four, d0), even + odd, even - odd,
            difference.addingProduct(two, slope), difference.addingProduct(-two, slope),
            d5.addingProduct(five, d3).addingProduct(four, d1)
        )
    }

    /// `V = Bᵀ·d·B` of every tile of one image.
    static func input4(
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
                let y0 = ty &* 4 &- g.padTop, x0 = tx &* 4 &- g.padLeft
                let inside = y0 >= 0 && x0 >= 0 && y0 &+ 6 <= g.height && x0 &+ 6 <= g.width
                for index in 0..<vectors(c) {
                    let channel = start(index, c)
                    for i in 0..<6 {
                        let row = y0 &+ i
                        let isRow = inside || (row >= 0 && row < g.height)
                        let base = x + (row &* line &+ x0 &* c &+ channel)
                        @inline(__always) func load(_ j: Int) -> Lanes {
                            if inside { return base.lanes(j &* c) }
                            let column = x0 &+ j
                            return isRow && column >= 0 && column < g.width
                                ? base.lanes(j &* c) : zeros.lanes(channel)
                        }
                        let r = b4(load(0), load(1), load(2), load(3), load(4), load(5))
                        let t = rest + i &* 96
                        t.setLanes(0, r.0); t.setLanes(16, r.1); t.setLanes(32, r.2)
                        t.setLanes(48, r.3); t.setLanes(64, r.4); t.setLanes(80, r.5)
                    }
                    for j in 0..<6 {
                        let t = rest + j &* 16
                        let r = b4(
                            t.lanes(0), t.lanes(96), t.lanes(192), t.lanes(288), t.lanes(384), t.lanes(480))
                        let out = target + (j &* plane &+ channel)
                        out.setLanes(0, r.0)
                        out.setLanes(6 &* plane, r.1)
                        out.setLanes(12 &* plane, r.2)
                        out.setLanes(18 &* plane, r.3)
                        out.setLanes(24 &* plane, r.4)
                        out.setLanes(30 &* plane, r.5)
                    }
                }
                target += c
            }
        }
    }

    /// `Aᵀ·m` along one line of six.
    @inline(__always)
    private static func a4(
        _ m0: Lanes, _ m1: Lanes, _ m2: Lanes, _ m3: Lanes, _ m4: Lanes, _ m5: Lanes
    ) -> (Lanes, Lanes, Lanes, Lanes) {
        let two = Lanes(repeating: 2), four = Lanes(repeating: 4), eight = Lanes(repeating: 8)
        let s = m1 + m2, d = m1 - m2, s2 = m3 + m4, d2 = m3 - m4
        return (
            m0 + s + s2, d.addingProduct(two, d2), s.addingProduct(four, s2), d.addingProduct(eight, d2) + m5
        )
    }

    /// `y = Aᵀ·M·A` of every tile of one image, plus the bias, then ReLU where asked; what a last tile has
    /// too many is left out.
    static func output4(
        _ w: Winograd, _ tileRows: Range<Int>, _ products: UnsafePointer<Float>, _ plane: Int,
        _ bias: UnsafePointer<Float>?, _ relu: Bool,
        _ y: UnsafeMutablePointer<Float>, _ rest: UnsafeMutablePointer<Float>
    ) {
        let g = w.geometry, f = g.filters
        let bias = bias ?? zeroRow(rest, f)
        let floor = Lanes(repeating: relu ? 0 : -.infinity)
        var source = products
        for ty in tileRows {
            let rows = min(4, g.outHeight &- ty &* 4)
            for tx in 0..<w.tilesWide {
                let columns = min(4, g.outWidth &- tx &* 4)
                let corner = y + (ty &* 4 &* g.outWidth &+ tx &* 4) &* f
                for index in 0..<vectors(f) {
                    let channel = start(index, f)
                    let shift = bias.lanes(channel)
                    for j in 0..<6 {
                        let m = source + (j &* plane &+ channel)
                        let r = a4(
                            m.lanes(0), m.lanes(6 &* plane), m.lanes(12 &* plane), m.lanes(18 &* plane),
                            m.lanes(24 &* plane), m.lanes(30 &* plane))
                        let t = rest + j &* 16
                        t.setLanes(0, r.0); t.setLanes(96, r.1); t.setLanes(192, r.2); t.setLanes(288, r.3)
                    }
                    for i in 0..<rows {
                        let t = rest + i &* 96
                        let r = a4(t.lanes(0), t.lanes(16), t.lanes(32), t.lanes(48), t.lanes(64), t.lanes(80))
                        let out = corner + (i &* g.outWidth &* f &+ channel)
                        @inline(__always) func store(_ j: Int, _ value: Lanes) {
                            let sum = value + shift
                            out.setLanes(j &* f, sum.replacing(with: floor, where: sum .< floor))
                        }
                        store(0, r.0)
                        if columns > 1 { store(1, r.1) }
                        if columns > 2 { store(2, r.2) }
                        if columns > 3 { store(3, r.3) }
                    }
                }
                source += f
            }
        }
    }

    /// `A·y` along one line of four.
    @inline(__always)
    private static func spread4(
        _ y0: Lanes, _ y1: Lanes, _ y2: Lanes, _ y3: Lanes
    ) -> (Lanes, Lanes, Lanes, Lanes, Lanes, Lanes) {
        let two = Lanes(repeating: 2), four = Lanes(repeating: 4), eight = Lanes(repeating: 8)
        let e = y0 + y2, o = y1 + y3
        let e2 = y0.addingProduct(four, y2), o2 = (two * y1).addingProduct(eight, y3)
        return (y0, e + o, e - o, e2 + o2, e2 - o2, y3)
    }

    /// `D = A·∂y·Aᵀ` of every tile of one image, zero outside.
    static func gradient4(
        _ w: Winograd, _ tileRows: Range<Int>, _ dy: UnsafePointer<Float>, _ d: UnsafeMutablePointer<Float>,
        _ plane: Int,
        _ rest: UnsafeMutablePointer<Float>
    ) {
        let g = w.geometry, f = g.filters
        let zeros = zeroRow(rest, f)
        var target = d
        for ty in tileRows {
            let rows = min(4, g.outHeight &- ty &* 4)
            for tx in 0..<w.tilesWide {
                let columns = min(4, g.outWidth &- tx &* 4)
                let corner = dy + (ty &* 4 &* g.outWidth &+ tx &* 4) &* f
                for index in 0..<vectors(f) {
                    let channel = start(index, f)
                    for i in 0..<4 {
                        let source = corner + (i &* g.outWidth &* f &+ channel)
                        @inline(__always) func load(_ j: Int) -> Lanes {
                            i < rows && j < columns ? source.lanes(j &* f) : zeros.lanes(channel)
                        }
                        let r = spread4(load(0), load(1), load(2), load(3))
                        let t = rest + i &* 96
                        t.setLanes(0, r.0); t.setLanes(16, r.1); t.setLanes(32, r.2)
                        t.setLanes(48, r.3); t.setLanes(64, r.4); t.setLanes(80, r.5)
                    }
                    for j in 0..<6 {
                        let t = rest + j &* 16
                        let r = spread4(t.lanes(0), t.lanes(96), t.lanes(192), t.lanes(288))
                        let out = target + (j &* plane &+ channel)
                        out.setLanes(0, r.0)
                        out.setLanes(6 &* plane, r.1)
                        out.setLanes(12 &* plane, r.2)
                        out.setLanes(18 &* plane, r.3)
                        out.setLanes(24 &* plane, r.4)
                        out.setLanes(30 &* plane, r.5)
                    }
                }
                target += f
            }
        }
    }

    /// `G·w` along one line of three.
    @inline(__always)
    private static func g4(_ w0: Lanes, _ w1: Lanes, _ w2: Lanes) -> (Lanes, Lanes, Lanes, Lanes, Lanes, Lanes) {
        let quarter = Lanes(repeating: 1 / 4), sixth = Lanes(repeating: -1 / 6), small = Lanes(repeating: 1 / 24)
        let twelfth = Lanes(repeating: 1 / 12), sixthPlus = Lanes(repeating: 1 / 6)
        let outer = sixth * (w0 + w2), inner = sixth * w1
        let far = small * w0 + sixthPlus * w2, near = twelfth * w1
        return (quarter * w0, outer + inner, outer - inner, far + near, far - near, w2)
    }

    /// `U = G·w·Gᵀ`: nine planes of `pairs` floats become thirty-six.
    static func weights4(_ w: UnsafePointer<Float>, _ pairs: Int, _ u: UnsafeMutablePointer<Float>, _ plane: Int) {
        for index in 0..<vectors(pairs) {
            let n = start(index, pairs)
            let s = w + n, t = u + n
            let p = pairs
            let a = g4(s.lanes(0), s.lanes(p), s.lanes(2 &* p))
            let b = g4(s.lanes(3 &* p), s.lanes(4 &* p), s.lanes(5 &* p))
            let c = g4(s.lanes(6 &* p), s.lanes(7 &* p), s.lanes(8 &* p))
            @inline(__always) func column(_ j: Int, _ x: Lanes, _ y: Lanes, _ z: Lanes) {
                let r = g4(x, y, z)
                let out = t + j &* plane
                out.setLanes(0, r.0)
                out.setLanes(6 &* plane, r.1)
                out.setLanes(12 &* plane, r.2)
                out.setLanes(18 &* plane, r.3)
                out.setLanes(24 &* plane, r.4)
                out.setLanes(30 &* plane, r.5)
            }
            column(0, a.0, b.0, c.0)
            column(1, a.1, b.1, c.1)
            column(2, a.2, b.2, c.2)
            column(3, a.3, b.3, c.3)
            column(4, a.4, b.4, c.4)
            column(5, a.5, b.5, c.5)
        }
    }

    /// `Gᵀ·u` along one line of six.
    @inline(__always)
    private static func gathered4(
        _ u0: Lanes, _ u1: Lanes, _ u2: Lanes, _ u3: Lanes, _ u4: Lanes, _ u5: Lanes
    ) -> (Lanes, Lanes, Lanes) {
        let quarter = Lanes(repeating: 1 / 4), sixth = Lanes(repeating: 1 / 6), small = Lanes(repeating: 1 / 24)
        let twelfth = Lanes(repeating: 1 / 12)
        let near = u1 + u2, far = u3 + u4
        return (
            quarter * u0 - sixth * near + small * far, twelfth * (u3 - u4) - sixth * (u1 - u2),
            sixth * (far - near) + u5
        )
    }

    /// `∂w = Gᵀ·∂U·G`: thirty-six planes become nine.
    static func weightGradient4(
        _ du: UnsafePointer<Float>, _ plane: Int, _ pairs: Int, _ dw: UnsafeMutablePointer<Float>
    ) {
        let p = pairs
        for index in 0..<vectors(pairs) {
            let n = start(index, pairs)
            let s = du + n, t = dw + n
            @inline(__always) func row(_ i: Int) -> (Lanes, Lanes, Lanes) {
                let r = s + i &* 6 &* plane
                return gathered4(
                    r.lanes(0), r.lanes(plane), r.lanes(2 &* plane), r.lanes(3 &* plane), r.lanes(4 &* plane),
                    r.lanes(5 &* plane))
            }
            let (a, b, c, d, e, f) = (row(0), row(1), row(2), row(3), row(4), row(5))
            let left = gathered4(a.0, b.0, c.0, d.0, e.0, f.0)
            let middle = gathered4(a.1, b.1, c.1, d.1, e.1, f.1)
            let right = gathered4(a.2, b.2, c.2, d.2, e.2, f.2)
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
