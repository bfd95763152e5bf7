import Tensors

/// One bin of a reliability diagram.
public struct CalibrationBin: Hashable, Sendable, Codable {
    /// The exclusive lower bound of the confidences in the bin.
    public var lower: Double
    /// The inclusive upper bound of the confidences in the bin.
    public var upper: Double
    /// The number of samples in the bin.
    public var count: Int
    /// The mean confidence of the bin's samples; nil if the bin is empty.
    public var confidence: Double?
    /// The fraction of the bin's samples that were predicted correctly; nil if the bin is empty.
    public var accuracy: Double?
}

/// A reliability diagram: how well confidence matches the probability of being correct.
///
/// Confidence is the probability of the predicted class. Its range is divided into B bins of equal width,
/// `((b − 1)/B, b/B]`. Guo et al., "On Calibration of Modern Neural Networks", 2017, arXiv:1706.04599.
public struct Calibration: Hashable, Sendable {
    /// The B bins, in order of increasing confidence.
    public let bins: [CalibrationBin]
    /// The expected calibration error, `Σ (n_b / N)·|accuracy_b − confidence_b|`, in [0, 1].
    public let expectedError: Double
    /// The maximum calibration error: the largest `|accuracy_b − confidence_b|` over non-empty bins.
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
