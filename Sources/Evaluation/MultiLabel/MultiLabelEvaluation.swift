import Formats
import Tensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// All figures and curves of a classifier whose images may have several labels, or none.
///
/// Each of the K classes is a decision of its own: an image has the label k if its probability is at least 1/2. Figures
/// equal scikit-learn's for indicator matrices with `zero_division=0`.
public struct MultiLabelEvaluation: Hashable, Sendable {
    /// The true classes of each image, `[N]`, class k as bit k.
    public let labelSets: [UInt64]
    /// The classes of each image as predicted, `[N]`.
    public let predictedSets: [UInt64]
    /// The probability of each class, `[N, K]`; a row need not sum to 1.
    public let probabilities: [Float]
    /// The class names, `[K]`.
    public let classNames: [String]
    /// Precision, recall and F1 of each class.
    public let perClass: [ClassScores]
    /// The averaged precision, recall and F1; micro pools all N·K decisions.
    public let precision: Averages
    /// The averaged recall.
    public let recall: Averages
    /// The averaged F1.
    public let f1: Averages
    /// The mean over images of `2·|T ∩ P| / (|T| + |P|)` with the true classes T and the predicted P; 0 if both are
    /// empty.
    public let sampleF1: Double
    /// The number of images with exactly the true labels.
    public let exactCount: Int
    /// The 95 % Wilson interval of the share of such images.
    public let exactInterval: ConfidenceInterval
    /// The share of the N·K decisions that are wrong (Hamming loss).
    public let hammingLoss: Double
    /// The mean binary cross-entropy of the N·K decisions in nats; probabilities are clipped to the smallest positive
    /// `Float`.
    public let logLoss: Double
    /// The precision–recall curves.
    public let precisionRecall: PrecisionRecallCurves
    /// The ROC curves.
    public let roc: ROCCurves

    /// The number of images, N.
    public var count: Int { labelSets.count }
    /// The number of classes, K.
    public var classCount: Int { classNames.count }
    /// The share of images with exactly the true labels (subset accuracy).
    public var exactShare: Double { Double(exactCount) / Double(count) }

    /// Computes all figures; O(N·K·log(N·K)).
    ///
    /// - Throws: an `InputError` unless N ≥ 1, K is in 2…64, sizes agree, label sets have no bit at K or above, and
    ///   probabilities are in [0, 1].
    public init(labelSets: [UInt64], probabilities: [Float], classNames: [String]) throws(InputError) {
        let n = labelSets.count, k = classNames.count
        guard n >= 1 else { throw InputError("predictions", expected: "at least one image", received: "none") }
        guard (2...64).contains(k) else {
            throw InputError("predictions.classNames", expected: "2 to 64 classes", received: "\(k)")
        }
        guard probabilities.count == n * k else {
            throw InputError(
                "predictions.probabilities", expected: "\(n)·\(k) = \(n * k) values", received: "\(probabilities.count)"
            )
        }
        for (index, p) in probabilities.enumerated() where !(p >= 0 && p <= 1) {
            throw InputError(
                "predictions.probabilities[\(index / k)][\(index % k)]", expected: "a probability in [0, 1]",
                received: "\(p)", remedy: "give the sigmoid, not the logits")
        }
        if k < 64, let index = labelSets.firstIndex(where: { $0 >> UInt64(k) != 0 }) {
            throw InputError(
                "predictions.labelSets[\(index)]", expected: "classes in 0...\(k - 1)",
                received: String(labelSets[index], radix: 2))
        }
        (self.labelSets, self.probabilities, self.classNames) = (labelSets, probabilities, classNames)
        func has(_ set: UInt64, _ c: Int) -> Bool { set >> UInt64(c) & 1 == 1 }
        let predicted = (0..<n).map { i in
            (0..<k).reduce(UInt64(0)) { probabilities[i * k + $1] >= 0.5 ? $0 | 1 << UInt64($1) : $0 }
        }
        predictedSets = predicted
        var hits = [Int](repeating: 0, count: k), support = hits, chosen = hits
        var loss = 0.0, sampleSum = 0.0
        for i in 0..<n {
            let (truth, found) = (labelSets[i], predicted[i])
            for c in 0..<k {
                if has(truth, c) { support[c] += 1 }
                if has(found, c) { chosen[c] += 1 }
                if has(truth & found, c) { hits[c] += 1 }
                let p = Double(probabilities[i * k + c]), least = Double(Float.leastNonzeroMagnitude)
                loss -= has(truth, c) ? log(max(p, least)) : p < 1 ? log1p(-p) : log(least)
            }
            let sum = truth.nonzeroBitCount + found.nonzeroBitCount
            sampleSum += sum == 0 ? 0 : 2 * Double((truth & found).nonzeroBitCount) / Double(sum)
        }
        let scores = (0..<k).map {
            ClassScores(name: classNames[$0], hits: hits[$0], support: support[$0], predicted: chosen[$0])
        }
        let pooled = ClassScores(
            name: "micro", hits: hits.reduce(0, +), support: support.reduce(0, +), predicted: chosen.reduce(0, +))
        perClass = scores
        precision = Averages(scores.map(\.precision), support: support, micro: pooled.precision)
        recall = Averages(scores.map(\.recall), support: support, micro: pooled.recall)
        f1 = Averages(scores.map(\.f1), support: support, micro: pooled.f1)
        sampleF1 = sampleSum / Double(n)
        exactCount = zip(labelSets, predicted).count { $0 == $1 }
        exactInterval = .wilson(successes: exactCount, count: n)
        hammingLoss = Double(zip(labelSets, predicted).reduce(0) { $0 + ($1.0 ^ $1.1).nonzeroBitCount }) / Double(n * k)
        logLoss = loss / Double(n * k)
        let counts = (0..<k).map { c in
            ThresholdCounts((0..<n).map { (probabilities[$0 * k + c], has(labelSets[$0], c)) })
        }
        let micro = ThresholdCounts((0..<n * k).map { (probabilities[$0], has(labelSets[$0 / k], $0 % k)) })
        precisionRecall = PrecisionRecallCurves(perClass: counts, micro: micro)
        roc = ROCCurves(perClass: counts, micro: micro)
    }
}
