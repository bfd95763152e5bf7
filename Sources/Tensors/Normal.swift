#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension RandomStream {
    /// Returns a pair of independent standard normal numbers by the Box–Muller transform
    /// `√(−2 ln u₁) · (cos 2πu₂, sin 2πu₂)` in Double, u₁ in (0, 1].
    public mutating func normalPair() -> (Double, Double) {
        let u1 = (Double(nextWord()) + 1) * 0x1p-32
        let u2 = Double(nextWord()) * 0x1p-32
        let radius = (-2 * log(u1)).squareRoot()
        return (radius * cos(2 * .pi * u2), radius * sin(2 * .pi * u2))
    }
}
