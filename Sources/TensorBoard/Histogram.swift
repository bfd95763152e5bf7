import Tensors

/// The distribution of a tensor's elements, in TensorBoard's format.
enum Histogram {
    static let bucketCount = 30

    /// Returns a histogram of thirty buckets of equal width from the smallest to the largest element, or of one bucket
    /// if they are equal. Elements that are not finite are ignored.
    static func of(_ elements: Span<Float>) -> Tensorboard_HistogramProto {
        var histogram = Tensorboard_HistogramProto()
        var low = Double.infinity, high = -Double.infinity, sum = 0.0, squares = 0.0, count = 0
        for i in 0..<elements.count {
            let x = Double(elements[i])
            guard x.isFinite else { continue }
            low = min(low, x)
            high = max(high, x)
            sum += x
            squares += x * x
            count += 1
        }
        guard count > 0 else { return histogram }
        histogram.min = low
        histogram.max = high
        histogram.num = Double(count)
        histogram.sum = sum
        histogram.sumSquares = squares
        let buckets = high > low ? bucketCount : 1
        var counts = [Double](repeating: 0, count: buckets)
        let scale = high > low ? Double(buckets) / (high - low) : 0
        for i in 0..<elements.count where elements[i].isFinite {
            counts[min(Int((Double(elements[i]) - low) * scale), buckets - 1)] += 1
        }
        histogram.bucket = counts
        histogram.bucketLimit = (1...buckets).map {
            $0 == buckets ? high : low + (high - low) * Double($0) / Double(buckets)
        }
        return histogram
    }
}
