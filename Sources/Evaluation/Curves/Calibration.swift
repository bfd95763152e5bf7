import Tensors

/// One bin of a reliability diagram.
public struct CalibrationBin: Hashable, Sendable, Codable {
    /// The bin holds confidences in (lower, upper].
    public var lower: Double
    /// The bin holds confidences in (lower, upper].
    public var upper: Double
    /// Samples in the bin.
    public var count: Int
    /// Mean confidence of the bin's samples; nil where it is empty.
    public var confidence: Double?
    /// Share of the bin's samples that were predicted right; nil where it is empty.
    public var accuracy: Double?
}

/// How far confidence can be read as probability of being right.
///
/// Confidence is the probability of the predicted class. Its range is cut into B bins of equal width,
/// `((b − 1)/B, b/B]`. Guo et al., "On Calibration of Modern Neural Networks", 2017, arXiv:1706.04599.
public struct Calibration: Hashable, Sendable {
    /// The B bins, in rising confidence.
    public let bins: [CalibrationBin]
    /// Expected calibration error, `Σ (n_b / N)·|accuracy_b − confidence_b|`, in [0, 1].
    public let expectedError: Double
    /// The largest `|accuracy_b − confidence_b|` of a bin with samples.
    public let maximumError: Double

    /// Bins the confidences of `predictions`; `binCount` ≥ 1.
    public init(_ predictions: Predictions, binCount: Int = 15) {
        precondition(binCount >= 1, "Calibration: expected at least one bin, received \(binCount)")
        var counts = [Int](repeating: 0, count: binCount)
        var hits = counts
        var sums = [Double](repeating: 0, count: binCount)
        for i in 0..<predictions.count {
            let confidence = Double(predictions.confidence(i))
            let bin = min(max(Int((confidence * Double(binCount)).rounded(.up)) - 1, 0), binCount - 1)
            counts[bin] += 1
            sums[bin] += confidence
            if predictions.predictedLabels[i] == predictions.labels[i] { hits[bin] += 1 }
        }
        var expected = 0.0
        var maximum = 0.0
        bins = (0..<binCount).map { b in
            let n = Double(counts[b])
            guard counts[b] > 0 else {
                return CalibrationBin(
                    lower: Double(b) / Double(binCount), upper: Double(b + 1) / Double(binCount), count: 0)
            }
            let gap = abs(Double(hits[b]) - sums[b])
            expected += gap / Double(predictions.count)
            maximum = max(maximum, gap / n)
            return CalibrationBin(
                lower: Double(b) / Double(binCount), upper: Double(b + 1) / Double(binCount), count: counts[b],
                confidence: sums[b] / n, accuracy: Double(hits[b]) / n)
        }
        expectedError = expected
        maximumError = maximum
    }
}
