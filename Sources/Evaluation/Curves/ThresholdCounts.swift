import Tensors

/// True and false positives of a binary decision "score ≥ threshold", at every distinct score.
///
/// Precision–recall and ROC curves are both read off it. Scores must be in [0, 1].
struct ThresholdCounts: Hashable, Sendable {
    /// Distinct scores, descending.
    private(set) var thresholds: [Float] = []
    /// Positives, and negatives, with a score of at least the threshold.
    private(set) var truePositives: [Int32] = []
    private(set) var falsePositives: [Int32] = []

    var positives: Int { Int(truePositives.last ?? 0) }
    var negatives: Int { Int(falsePositives.last ?? 0) }

    /// One class against all others.
    init(_ predictions: Predictions, class c: Int) {
        var keys = [UInt32]()
        keys.reserveCapacity(predictions.count)
        for (i, label) in predictions.labels.enumerated() {
            keys.append(Self.key(predictions.probability(i, c), label == c))
        }
        self.init(keys: &keys)
    }

    /// All N·K decisions "sample i is of class j" as one binary problem.
    init(micro predictions: Predictions) {
        let k = predictions.classCount
        var keys = [UInt32]()
        keys.reserveCapacity(predictions.count * k)
        for (i, label) in predictions.labels.enumerated() {
            for j in 0..<k { keys.append(Self.key(predictions.probability(i, j), label == j)) }
        }
        self.init(keys: &keys)
    }

    /// The bits of a float in [0, 1] order as the float does, and its sign, which the shift drops, says nothing (−0
    /// is 0): score and truth sort as one integer.
    private static func key(_ score: Float, _ positive: Bool) -> UInt32 {
        score.bitPattern << 1 | (positive ? 1 : 0)
    }

    private init(keys: inout [UInt32]) {
        precondition(keys.count <= Int(Int32.max), "ThresholdCounts: more than 2³¹ decisions")
        keys.sort(by: >)
        var hits: Int32 = 0
        for (i, key) in keys.enumerated() {
            hits += Int32(key & 1)
            if i + 1 == keys.count || keys[i + 1] >> 1 != key >> 1 {
                thresholds.append(Float(bitPattern: key >> 1))
                truePositives.append(hits)
                falsePositives.append(Int32(i + 1) - hits)
            }
        }
    }

    /// Keeps the points at `indices`, ascending.
    func selecting(_ indices: [Int]) -> ThresholdCounts {
        var result = self
        result.thresholds = indices.map { thresholds[$0] }
        result.truePositives = indices.map { truePositives[$0] }
        result.falsePositives = indices.map { falsePositives[$0] }
        return result
    }
}
