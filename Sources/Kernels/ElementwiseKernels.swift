import Tensors

/// Element-wise sums, and dropout.
public enum ElementwiseKernels {
    /// `y[i] = a[i] + b[i]`. `y` may be either.
    public static func add(
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

    /// The bytes that hold the kept-or-dropped bits of `count` elements: whole groups of 64.
    public static func maskBytes(_ count: Int) -> Int { (count + 63) / 64 * 64 }

    /// Draws which of `count` elements of one sample are kept: `mask[i]` is 1 with probability `1 − rate`.
    ///
    /// Sixteen Philox blocks at a time: element `e` takes word `e / 16 % 4` of draw `e / 64 · 16 + e % 16` at
    /// `address`, and is dropped where the word is below `rate · 2³²`.
    public static func dropoutMask(
        _ address: RandomAddress, count: Int, rate: Float, mask: UnsafeMutablePointer<UInt8>
    ) {
        let threshold = SIMD16<UInt32>(repeating: UInt32(Double(rate) * 0x1p32))
        let lane = SIMD16<UInt32>(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
        let one = SIMD16<UInt8>(repeating: 1)
        let raw = UnsafeMutableRawPointer(mask)
        var base = 0
        while base < count {
            var c0 = lane &+ UInt32(truncatingIfNeeded: base / 4)
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
            let kept = (
                zero.replacing(with: ones, where: c0 .>= threshold),
                zero.replacing(with: ones, where: c1 .>= threshold),
                zero.replacing(with: ones, where: c2 .>= threshold), zero.replacing(with: ones, where: c3 .>= threshold)
            )
            raw.storeBytes(
                of: SIMD16<UInt8>(truncatingIfNeeded: kept.0) & one, toByteOffset: base, as: SIMD16<UInt8>.self)
            raw.storeBytes(
                of: SIMD16<UInt8>(truncatingIfNeeded: kept.1) & one, toByteOffset: base &+ 16, as: SIMD16<UInt8>.self)
            raw.storeBytes(
                of: SIMD16<UInt8>(truncatingIfNeeded: kept.2) & one, toByteOffset: base &+ 32, as: SIMD16<UInt8>.self)
            raw.storeBytes(
                of: SIMD16<UInt8>(truncatingIfNeeded: kept.3) & one, toByteOffset: base &+ 48, as: SIMD16<UInt8>.self)
            base &+= 64
        }
    }

    /// `y[i] = x[i]·mask[i]·scale`: dropout forward, and its gradient. `y` may be `x`.
    public static func applyMask(
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
