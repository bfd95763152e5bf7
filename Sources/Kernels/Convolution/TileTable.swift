/// The number of output pixels a convolution lowers at once.
///
/// Measured on the AVX-512 kernels of OpenBLAS 0.3.21: a product with `M·N·K ≤ 10⁶` takes a path without packing and
/// runs at 220–230 GFLOP/s per core, a larger one at 130–175; among the smaller products, multiples of 12 or 24 rows
/// are fastest. The AVX2 kernels are not sensitive to this. An autotuner may replace this table behind the same
/// function.
package enum TileTable {
    /// Returns the rows of a tile for a product `[rows, k]·[k, n]` out of `available` rows, at least 1.
    package static func rows(n: Int, k: Int, available: Int) -> Int {
        let limit = 1_000_000 / max(1, n * k)
        let most = 192
        let rows =
            switch limit {
            case 24...: limit / 24 * 24
            case 12...: 12
            default: 96  // too large for the unpacked path in any case: amortize the packing instead
            }
        return max(1, min(rows, most, available))
    }
}
