import Tensors

/// F(4, 5), at the points 0, ±1, ±2, ±½ and infinity: 8 multiplications instead of 20.
enum WinogradLines4Of5: WinogradLines {
    @inline(__always)
    static var outputs: Int { 4 }
    @inline(__always)
    static var taps: Int { 5 }

    @inline(__always)
    static func input(_ d: Line, _ put: Put) {
        let (d0, d1, d2, d3, d4, d5, d6, d7) = (d(0), d(1), d(2), d(3), d(4), d(5), d(6), d(7))
        let half = Lanes(repeating: 0.5), quarter = Lanes(repeating: 0.25), two = Lanes(repeating: 2)
        let four = Lanes(repeating: 4), five = Lanes(repeating: -5), outer = Lanes(repeating: 5.25)
        let one = Lanes(repeating: -4.25), near = Lanes(repeating: -2.5), far = Lanes(repeating: -1.25)
        put(0, (d0 - d6).addingProduct(outer, d4 - d2))
        let even1 = (d2 + d6).addingProduct(one, d4), odd1 = (d1 + d5).addingProduct(one, d3)
        put(1, even1 + odd1)
        put(2, even1 - odd1)
        let middle = near * d3
        let even2 = d6.addingProduct(quarter, d2).addingProduct(far, d4)
        let odd2 = middle.addingProduct(half, d1).addingProduct(two, d5)
        put(3, even2 + odd2)
        put(4, even2 - odd2)
        let even3 = d6.addingProduct(four, d2).addingProduct(five, d4)
        let odd3 = middle.addingProduct(two, d1).addingProduct(half, d5)
        put(5, even3 + odd3)
        put(6, even3 - odd3)
        put(7, (d7 - d1).addingProduct(outer, d3 - d5))
    }

    @inline(__always)
    static func output(_ m: Line, _ put: Put) {
        let (m1, m2, m3, m4, m5, m6) = (m(1), m(2), m(3), m(4), m(5), m(6))
        let two = Lanes(repeating: 2), four = Lanes(repeating: 4), eight = Lanes(repeating: 8)
        let half = Lanes(repeating: 0.5), quarter = Lanes(repeating: 0.25), eighth = Lanes(repeating: 0.125)
        let s1 = m1 + m2, s2 = m3 + m4, s3 = m5 + m6, d1 = m1 - m2, d2 = m3 - m4, d3 = m5 - m6
        put(0, m(0) + s1 + s2 + s3)
        put(1, d1.addingProduct(two, d2).addingProduct(half, d3))
        put(2, s1.addingProduct(four, s2).addingProduct(quarter, s3))
        put(3, d1.addingProduct(eight, d2).addingProduct(eighth, d3) + m(7))
    }

    @inline(__always)
    static func spread(_ y: Line, _ put: Put) {
        let (y0, y1, y2, y3) = (y(0), y(1), y(2), y(3))
        let two = Lanes(repeating: 2), four = Lanes(repeating: 4), eight = Lanes(repeating: 8)
        let half = Lanes(repeating: 0.5), quarter = Lanes(repeating: 0.25), eighth = Lanes(repeating: 0.125)
        let even1 = y0 + y2, odd1 = y1 + y3
        let even2 = y0.addingProduct(four, y2), odd2 = (two * y1).addingProduct(eight, y3)
        let even3 = y0.addingProduct(quarter, y2), odd3 = (half * y1).addingProduct(eighth, y3)
        put(0, y0)
        put(1, even1 + odd1)
        put(2, even1 - odd1)
        put(3, even2 + odd2)
        put(4, even2 - odd2)
        put(5, even3 + odd3)
        put(6, even3 - odd3)
        put(7, y3)
    }

    /// The kernel's fractions, of 90: the powers of the points ±2 and, from 64 down, of ±½; −2⁄9 for ±1.
    @inline(__always)
    private static func fraction(_ numerator: Float) -> Lanes { Lanes(repeating: numerator / 90) }

    @inline(__always)
    static func kernel(_ w: Line, _ put: Put) {
        let (w0, w1, w2, w3, w4) = (w(0), w(1), w(2), w(3), w(4))
        let even1 = fraction(-20) * (w0 + w2 + w4), odd1 = fraction(-20) * (w1 + w3)
        put(0, w0)
        put(1, even1 + odd1)
        put(2, even1 - odd1)
        let even2 = (fraction(1) * w0).addingProduct(fraction(4), w2).addingProduct(fraction(16), w4)
        let odd2 = (fraction(2) * w1).addingProduct(fraction(8), w3)
        put(3, even2 + odd2)
        put(4, even2 - odd2)
        let even3 = (fraction(64) * w0).addingProduct(fraction(16), w2).addingProduct(fraction(4), w4)
        let odd3 = (fraction(32) * w1).addingProduct(fraction(8), w3)
        put(5, even3 + odd3)
        put(6, even3 - odd3)
        put(7, w4)
    }

    @inline(__always)
    static func gathered(_ u: Line, _ put: Put) {
        let (u1, u2, u3, u4, u5, u6) = (u(1), u(2), u(3), u(4), u(5), u(6))
        let s1 = fraction(-20) * (u1 + u2), s2 = u3 + u4, s3 = u5 + u6
        let d1 = fraction(-20) * (u1 - u2), d2 = u3 - u4, d3 = u5 - u6
        put(0, u(0) + s1.addingProduct(fraction(1), s2).addingProduct(fraction(64), s3))
        put(1, d1.addingProduct(fraction(2), d2).addingProduct(fraction(32), d3))
        put(2, s1.addingProduct(fraction(4), s2).addingProduct(fraction(16), s3))
        put(3, d1.addingProduct(fraction(8), d2).addingProduct(fraction(8), d3))
        put(4, s1.addingProduct(fraction(16), s2).addingProduct(fraction(4), s3) + u(7))
    }
}
