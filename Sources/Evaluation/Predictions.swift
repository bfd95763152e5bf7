import Tensors

/// A classifier's predictions for N samples of K classes, with the true classes.
///
/// The predicted class is the most probable one; ties go to the lowest index, as in NumPy's `argmax`.
public struct Predictions: Hashable, Sendable {
    /// The true classes, `[N]`, each in `0 ..< K`.
    public let labels: [Int]
    /// The probabilities, `[N, K]` row-major; each row is a distribution over the classes.
    public let probabilities: [Float]
    /// The class names, `[K]`, distinct.
    public let classNames: [String]
    /// The predicted classes, `[N]`.
    public let predictedLabels: [Int]

    /// The number of samples, N.
    public var count: Int { labels.count }
    /// The number of classes, K.
    public var classCount: Int { classNames.count }

    /// The largest accepted deviation of a row's sum from 1: above the error of half-precision networks, far below that
    /// of logits or unnormalised scores.
    static let sumTolerance = 1e-2

    /// Creates predictions from N labels, N·K probabilities and K names, after validating them.
    ///
    /// - Throws: `InputError` unless N ≥ 1, K ≥ 2, names are distinct, sizes agree, labels are in range, and every
    ///   row holds probabilities in [0, 1] with sum 1 (within 0.01).
    public init(labels: [Int], probabilities: [Float], classNames: [String]) throws(InputError) {
        let n = labels.count
        let k = classNames.count
        guard n >= 1 else {
            throw InputError("predictions", expected: "at least one sample", received: "none")
        }
        guard k >= 2 else {
            throw InputError("predictions.classNames", expected: "at least two classes", received: "\(k)")
        }
        var seen = Set<String>()
        for name in classNames where !seen.insert(name).inserted {
            throw InputError("predictions.classNames", expected: "distinct names", received: "'\(name)' twice")
        }
        guard probabilities.count == n * k else {
            throw InputError(
                "predictions.probabilities", expected: "\(n)·\(k) = \(n * k) values",
                received: "\(probabilities.count)")
        }
        var predicted = [Int](repeating: 0, count: n)
        for i in 0..<n {
            guard labels[i] >= 0 && labels[i] < k else {
                throw InputError(
                    "predictions.labels[\(i)]", expected: "a class in 0...\(k - 1)",
                    received: "\(labels[i])")
            }
            var sum = 0.0
            var best = 0
            for j in 0..<k {
                let p = probabilities[i * k + j]
                // NaN fails this check.
                guard p >= 0 && p <= 1 else {
                    throw InputError(
                        "predictions.probabilities[\(i)][\(j)]", expected: "a probability in [0, 1]",
                        received: "\(p)")
                }
                sum += Double(p)
                if p > probabilities[i * k + best] { best = j }
            }
            guard abs(sum - 1) <= Self.sumTolerance else {
                throw InputError(
                    "predictions.probabilities[\(i)]", expected: "a row that sums to 1",
                    received: "a sum of \(sum)", remedy: "give the softmax, not the logits")
            }
            predicted[i] = best
        }
        self.labels = labels
        self.probabilities = probabilities
        self.classNames = classNames
        predictedLabels = predicted
    }

    /// Returns the probability that sample `i` is of class `c`.
    @inlinable
    public func probability(_ i: Int, _ c: Int) -> Float { probabilities[i * classNames.count + c] }

    /// Returns the probability of the predicted class of sample `i`.
    public func confidence(_ i: Int) -> Float { probability(i, predictedLabels[i]) }
}
