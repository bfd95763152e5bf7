/// Sample quantiles.
enum Quantile {
    /// Returns the `p`-quantile of `sorted`, p in [0, 1], linearly interpolated at index `p·(n − 1)`.
    /// - Precondition: `sorted` is ascending and not empty.
    static func of(_ sorted: [Double], _ p: Double) -> Double {
        let place = p * Double(sorted.count - 1)
        let low = min(Int(place), sorted.count - 1), high = min(low + 1, sorted.count - 1)
        return sorted[low] + (sorted[high] - sorted[low]) * (place - Double(low))
    }
}
