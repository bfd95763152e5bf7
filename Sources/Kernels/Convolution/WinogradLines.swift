import Tensors

/// The transforms of F(m, r) along one line, sixteen channels at a time; each reads its inputs and writes its results
/// by index. A tile has n = m + r − 1 points.
protocol WinogradLines {
    typealias Lanes = SIMD16<Float>
    typealias Line = (Int) -> Lanes
    typealias Put = (Int, Lanes) -> Void

    /// m, the number of output pixels along a tile's side.
    static var outputs: Int { get }
    /// r, the kernel's size.
    static var taps: Int { get }
    /// `Bᵀ·d`, from n values to as many.
    static func input(_ d: Line, _ put: Put)
    /// `Aᵀ·m`, from n values to m.
    static func output(_ m: Line, _ put: Put)
    /// `A·y`, from m values to n.
    static func spread(_ y: Line, _ put: Put)
    /// `G·w`, from r values to n.
    static func kernel(_ w: Line, _ put: Put)
    /// `Gᵀ·u`, from n values to r.
    static func gathered(_ u: Line, _ put: Put)
}

extension WinogradLines {
    /// n, the number of points along a transformed tile's side.
    @inline(__always)
    static var points: Int { outputs &+ taps &- 1 }
}

/// F(2, 3).
enum WinogradLines2: WinogradLines {
    @inline(__always)
    static var outputs: Int { 2 }
    @inline(__always)
    static var taps: Int { 3 }

    @inline(__always)
    static func input(_ d: Line, _ put: Put) {
        let (d0, d1, d2, d3) = (d(0), d(1), d(2), d(3))
        put(0, d0 - d2)
        put(1, d1 + d2)
        put(2, d2 - d1)
        put(3, d1 - d3)
    }

    @inline(__always)
    static func output(_ m: Line, _ put: Put) {
        let (m0, m1, m2, m3) = (m(0), m(1), m(2), m(3))
        put(0, m0 + m1 + m2)
        put(1, m1 - m2 - m3)
    }

    @inline(__always)
    static func spread(_ y: Line, _ put: Put) {
        let (y0, y1) = (y(0), y(1))
        put(0, y0)
        put(1, y0 + y1)
        put(2, y0 - y1)
        put(3, -y1)
    }

    @inline(__always)
    static func kernel(_ w: Line, _ put: Put) {
        let (w0, w1, w2) = (w(0), w(1), w(2))
        let half = Lanes(repeating: 0.5)
        let outer = half * (w0 + w2), inner = half * w1
        put(0, w0)
        put(1, outer + inner)
        put(2, outer - inner)
        put(3, w2)
    }

    @inline(__always)
    static func gathered(_ u: Line, _ put: Put) {
        let (u0, u1, u2, u3) = (u(0), u(1), u(2), u(3))
        let half = Lanes(repeating: 0.5)
        let sum = half * (u1 + u2)
        put(0, u0 + sum)
        put(1, half * (u1 - u2))
        put(2, sum + u3)
    }
}

/// F(4, 3).
enum WinogradLines4: WinogradLines {
    @inline(__always)
    static var outputs: Int { 4 }
    @inline(__always)
    static var taps: Int { 3 }

    @inline(__always)
    static func input(_ d: Line, _ put: Put) {
        let (d0, d1, d2, d3, d4, d5) = (d(0), d(1), d(2), d(3), d(4), d(5))
        let four = Lanes(repeating: 4), five = Lanes(repeating: -5), two = Lanes(repeating: 2)
        let even = d4.addingProduct(-four, d2), odd = d3.addingProduct(-four, d1)
        let difference = d4 - d2, slope = d3 - d1
        put(0, d4.addingProduct(five, d2).addingProduct(four, d0))
        put(1, even + odd)
        put(2, even - odd)
        put(3, difference.addingProduct(two, slope))
        put(4, difference.addingProduct(-two, slope))
        put(5, d5.addingProduct(five, d3).addingProduct(four, d1))
    }

    @inline(__always)
    static func output(_ m: Line, _ put: Put) {
        let (m0, m1, m2, m3, m4, m5) = (m(0), m(1), m(2), m(3), m(4), m(5))
        let two = Lanes(repeating: 2), four = Lanes(repeating: 4), eight = Lanes(repeating: 8)
        let s = m1 + m2, d = m1 - m2, s2 = m3 + m4, d2 = m3 - m4
        put(0, m0 + s + s2)
        put(1, d.addingProduct(two, d2))
        put(2, s.addingProduct(four, s2))
        put(3, d.addingProduct(eight, d2) + m5)
    }

    @inline(__always)
    static func spread(_ y: Line, _ put: Put) {
        let (y0, y1, y2, y3) = (y(0), y(1), y(2), y(3))
        let two = Lanes(repeating: 2), four = Lanes(repeating: 4), eight = Lanes(repeating: 8)
        let e = y0 + y2, o = y1 + y3
        let e2 = y0.addingProduct(four, y2), o2 = (two * y1).addingProduct(eight, y3)
        put(0, y0)
        put(1, e + o)
        put(2, e - o)
        put(3, e2 + o2)
        put(4, e2 - o2)
        put(5, y3)
    }

    @inline(__always)
    static func kernel(_ w: Line, _ put: Put) {
        let (w0, w1, w2) = (w(0), w(1), w(2))
        let quarter = Lanes(repeating: 1 / 4), sixth = Lanes(repeating: -1 / 6), small = Lanes(repeating: 1 / 24)
        let twelfth = Lanes(repeating: 1 / 12), sixthPlus = Lanes(repeating: 1 / 6)
        let outer = sixth * (w0 + w2), inner = sixth * w1
        let far = small * w0 + sixthPlus * w2, near = twelfth * w1
        put(0, quarter * w0)
        put(1, outer + inner)
        put(2, outer - inner)
        put(3, far + near)
        put(4, far - near)
        put(5, w2)
    }

    @inline(__always)
    static func gathered(_ u: Line, _ put: Put) {
        let (u0, u1, u2, u3, u4, u5) = (u(0), u(1), u(2), u(3), u(4), u(5))
        let quarter = Lanes(repeating: 1 / 4), sixth = Lanes(repeating: 1 / 6), small = Lanes(repeating: 1 / 24)
        let twelfth = Lanes(repeating: 1 / 12)
        let near = u1 + u2, far = u3 + u4
        put(0, quarter * u0 - sixth * near + small * far)
        put(1, twelfth * (u3 - u4) - sixth * (u1 - u2))
        put(2, sixth * (far - near) + u5)
    }
}
