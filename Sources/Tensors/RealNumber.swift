#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The number types that formulas are generic over: `Float`, which the engine computes in, and `Double`, for gradient
/// checks.
public protocol RealNumber: BinaryFloatingPoint, SIMDScalar, Codable, Sendable {
    /// Returns `eˣ`.
    static func exp(_ x: Self) -> Self
    /// Returns `eˣ − 1`, accurate for small x.
    static func expm1(_ x: Self) -> Self
    /// Returns the natural logarithm.
    static func log(_ x: Self) -> Self
    /// Returns `log(1 + x)`, accurate for small x.
    static func log1p(_ x: Self) -> Self
    /// Returns the hyperbolic tangent.
    static func tanh(_ x: Self) -> Self
    /// Returns the error function, `2/√π · ∫₀ˣ e^−t² dt`.
    static func erf(_ x: Self) -> Self
    /// Returns `xᵖ`.
    static func pow(_ x: Self, _ p: Self) -> Self
}

extension RealNumber {
    /// Returns the sigmoid `1/(1 + e⁻ˣ)`, computed from `e^−|x|` so that nothing overflows.
    @inlinable
    public static func sigmoid(_ x: Self) -> Self {
        let e = exp(-abs(x))
        return (x >= 0 ? 1 : e) / (1 + e)
    }
}

extension Float: RealNumber {
    /// Returns `eˣ` within two units in the last place, by additions and multiplications alone, so that all machines
    /// give the same bits and loops vectorize. The result is 0 below −87.3 and infinite above 88.7. Computed as
    /// `2ⁿ·p(r)` with `r = x − n·ln 2`, in two parts, and S. Moshier's polynomial (Cephes, `expf`).
    @inlinable
    public static func exp(_ x: Float) -> Float {
        // Adding 1.5·2²³ rounds to an integer, which then occupies the low bits.
        let shifted = x * 1.442_695_04 + 12_582_912, n = shifted - 12_582_912
        let r = x - n * 0.693_359_375 + n * 2.121_944_4e-4
        var p: Float = 1.987_569_15e-4
        p = p * r + 1.398_199_950_7e-3
        p = p * r + 8.333_451_907_3e-3
        p = p * r + 4.166_579_589_4e-2
        p = p * r + 1.666_666_545_9e-1
        p = p * r + 5.000_000_120_1e-1
        p = p * r * r + r + 1
        let exponent = Int32(bitPattern: shifted.bitPattern) &- 0x4B40_0000, half = exponent &>> 1
        let low = Float(bitPattern: UInt32(bitPattern: (half &+ 127) &<< 23))
        let high = Float(bitPattern: UInt32(bitPattern: (exponent &- half &+ 127) &<< 23))
        let value = p * low * high
        // NaN fails both comparisons and propagates.
        return x < -87.336_54 ? 0 : x > 88.722_83 ? .infinity : value
    }
    @inlinable public static func expm1(_ x: Float) -> Float { expm1f(x) }
    @inlinable public static func log(_ x: Float) -> Float { logf(x) }
    @inlinable public static func log1p(_ x: Float) -> Float { log1pf(x) }
    @inlinable public static func tanh(_ x: Float) -> Float { tanhf(x) }
    @inlinable public static func erf(_ x: Float) -> Float { erff(x) }
    @inlinable public static func pow(_ x: Float, _ p: Float) -> Float { powf(x, p) }
}

extension Double: RealNumber {
    @inlinable public static func exp(_ x: Double) -> Double { cExp(x) }
    @inlinable public static func expm1(_ x: Double) -> Double { cExpm1(x) }
    @inlinable public static func log(_ x: Double) -> Double { cLog(x) }
    @inlinable public static func log1p(_ x: Double) -> Double { cLog1p(x) }
    @inlinable public static func tanh(_ x: Double) -> Double { cTanh(x) }
    @inlinable public static func erf(_ x: Double) -> Double { cErf(x) }
    @inlinable public static func pow(_ x: Double, _ p: Double) -> Double { cPow(x, p) }
}

// The C library's functions, under names that members of `Double` do not shadow.
@usableFromInline func cExp(_ x: Double) -> Double { exp(x) }
@usableFromInline func cExpm1(_ x: Double) -> Double { expm1(x) }
@usableFromInline func cLog(_ x: Double) -> Double { log(x) }
@usableFromInline func cLog1p(_ x: Double) -> Double { log1p(x) }
@usableFromInline func cTanh(_ x: Double) -> Double { tanh(x) }
@usableFromInline func cErf(_ x: Double) -> Double { erf(x) }
@usableFromInline func cPow(_ x: Double, _ p: Double) -> Double { pow(x, p) }
