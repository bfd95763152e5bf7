/// Values by their rank.
enum Quantile {
    /// The value below which a share `p` in [0, 1] of `sorted` lies, between neighbours in a straight line: place `p·(n − 1)`.
    /// - Precondition: `sorted` rises and is not empty.
    static func of(_ sorted: [Double], _ p: Double) -> Double {
        let place = p * Double(sorted.count - 1)
        let low = min(Int(place), sorted.count - 1), high = min(low + 1, sorted.count - 1)
        return sorted[low] + (sorted[high] - sorted[low]) * (place - Double(low))
    }
}
