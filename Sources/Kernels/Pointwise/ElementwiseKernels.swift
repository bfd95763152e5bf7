import Tensors

/// Element-wise sums and dropout.
package enum ElementwiseKernels {
    /// Computes `y[i] = a[i] + b[i]`. `y` may be either input.
    package static func add(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int, y: UnsafeMutablePointer<Float>
    ) {
        var i = 0
        while i &+ 16 <= count {
            y.setLanes(i, a.lanes(i) + b.lanes(i))
            i &+= 16
        }
        while i < count {
            y[i] = a[i] + b[i]
            i &+= 1
        }
    }

    /// Bytes of the dropout mask of `count` elements, rounded up to groups of 128.
    package static func maskBytes(_ count: Int) -> Int { (count + 127) / 128 * 128 }

    /// The dropout rate as the mask resolves it: how many of 65,536 values drop an element.
    package static func dropoutThreshold(_ rate: Float) -> Int { min(65_535, Int((Double(rate) * 65_536).rounded())) }

    /// The factor on kept elements, `1 / (1 − rate)` for the rate as the mask resolves it.
    package static func dropoutScale(_ rate: Float) -> Float {
        Float(65_536 / Double(65_536 - dropoutThreshold(rate)))
    }

    /// Draws which of the `count` elements of one sample are kept: `mask[i]` is 1 with probability `1 − rate`, the rate
    /// rounded to a multiple of 2⁻¹⁶.
    ///
    /// Sixteen Philox blocks are drawn at a time: element `e` takes half `e / 16 % 2` (low, high) of word `e / 32 % 4`
    /// of draw `e / 128 · 16 + e % 16` at `address`, and is dropped if those 16 bits are below `rate · 2¹⁶`.
    package static func dropoutMask(
        _ address: RandomAddress, count: Int, rate: Float, mask: UnsafeMutablePointer<UInt8>
    ) {
        let threshold = SIMD16<UInt32>(repeating: UInt32(dropoutThreshold(rate)))
        let low = SIMD16<UInt32>(repeating: 0xFFFF)
        let lane = SIMD16<UInt32>(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
        let raw = UnsafeMutableRawPointer(mask)
        var base = 0
        while base < count {
            var c0 = lane &+ UInt32(truncatingIfNeeded: base / 8)
            var c1 = SIMD16<UInt32>(repeating: address.minor), c2 = SIMD16<UInt32>(repeating: address.major)
            var c3 = SIMD16<UInt32>(repeating: address.domain)
            var k0 = address.key.x, k1 = address.key.y
            for round in 0..<10 {
                if round > 0 {
                    k0 &+= 0x9E37_79B9
                    k1 &+= 0xBB67_AE85
                }
                let p0 = SIMD16<UInt64>(truncatingIfNeeded: c0) &* 0xD251_1F53
                let p1 = SIMD16<UInt64>(truncatingIfNeeded: c2) &* 0xCD9E_8D57
                c0 = SIMD16<UInt32>(truncatingIfNeeded: p1 &>> 32) ^ c1 ^ k0
                c1 = SIMD16<UInt32>(truncatingIfNeeded: p1)
                c2 = SIMD16<UInt32>(truncatingIfNeeded: p0 &>> 32) ^ c3 ^ k1
                c3 = SIMD16<UInt32>(truncatingIfNeeded: p0)
            }
            let zero = SIMD16<UInt32>(), ones = SIMD16<UInt32>(repeating: 1)
            @inline(__always) func store(_ half: Int, _ bits: SIMD16<UInt32>) {
                let kept = zero.replacing(with: ones, where: bits .>= threshold)
                raw.storeBytes(
                    of: SIMD16<UInt8>(truncatingIfNeeded: kept), toByteOffset: base &+ half &* 16,
                    as: SIMD16<UInt8>.self)
            }
            store(0, c0 & low)
            store(1, c0 &>> 16)
            store(2, c1 & low)
            store(3, c1 &>> 16)
            store(4, c2 & low)
            store(5, c2 &>> 16)
            store(6, c3 & low)
            store(7, c3 &>> 16)
            base &+= 128
        }
    }

    /// Computes `y[i] = x[i]·mask[i]·scale`: dropout, forward and backward. `y` may be `x`.
    package static func applyMask(
        _ x: UnsafePointer<Float>, mask: UnsafePointer<UInt8>, scale: Float, count: Int,
        y: UnsafeMutablePointer<Float>
    ) {
        let raw = UnsafeRawPointer(mask)
        let scales = SIMD16<Float>(repeating: scale), zero = SIMD16<Float>()
        var i = 0
        while i &+ 16 <= count {
            let bytes = raw.loadUnaligned(fromByteOffset: i, as: SIMD16<UInt8>.self)
            let dropped = SIMD16<Int32>(truncatingIfNeeded: bytes) .== SIMD16<Int32>()
            y.setLanes(i, (x.lanes(i) * scales).replacing(with: zero, where: dropped))
            i &+= 16
        }
        while i < count {
            y[i] = mask[i] == 0 ? 0 : x[i] * scale
            i &+= 1
        }
    }
}
