import Tensors
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite struct RealNumberTests {
    /// Every 97th float between 0 and 89, both signs, against the C library in Double.
    @Test func exponentialOfFloats() {
        var worst = 0.0
        var bits = UInt32(0x3000_0000)
        while bits < Float(89).bitPattern {
            for x in [Float(bitPattern: bits), -Float(bitPattern: bits)] {
                let exact = Glibc.exp(Double(x)), value = Float.exp(x)
                if Float(exact).isInfinite {
                    #expect(value.isInfinite || exact < 3.41e38)
                } else if exact >= Double(Float.leastNormalMagnitude) {
                    worst = max(worst, abs(Double(value) - exact) / Double(Float(exact).ulp))
                } else {
                    #expect(value == 0 || abs(Double(value) - exact) < 1e-38)
                }
            }
            bits += 97
        }
        #expect(worst < 2)
    }

    @Test func exponentialAtTheEnds() {
        #expect(Float.exp(0) == 1)
        #expect(Float.exp(-.infinity) == 0)
        #expect(Float.exp(.infinity) == .infinity)
        #expect(Float.exp(-1e30) == 0)
        #expect(Float.exp(1e30) == .infinity)
        #expect(Float.exp(.nan).isNaN)
    }

    @Test func sigmoid() {
        for x in stride(from: -30.0, through: 30, by: 0.37) {
            let exact = 1 / (1 + Glibc.exp(-x))
            #expect(abs(Double.sigmoid(x) - exact) < 1e-15)
            #expect(abs(Double(Float.sigmoid(Float(x))) - 1 / (1 + Glibc.exp(-Double(Float(x))))) < 1.5e-7)
        }
        #expect(Float.sigmoid(-1000) == 0)
        #expect(Float.sigmoid(1000) == 1)
        #expect(Float.sigmoid(.nan).isNaN)
    }
}
