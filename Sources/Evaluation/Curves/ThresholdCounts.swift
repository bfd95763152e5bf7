import Tensors

/// True and false positives of the binary decision "score ≥ threshold" at every distinct score.
///
/// Precision–recall and ROC curves are both derived from it. Scores must be in [0, 1].
struct ThresholdCounts: Hashable, Sendable {
    /// The distinct scores, descending.
    private(set) var thresholds: [Float] = []
    /// The numbers of positives and of negatives whose score is at least the threshold.
    private(set) var truePositives: [Int32] = []
    private(set) var falsePositives: [Int32] = []

    var positives: Int { Int(truePositives.last ?? 0) }
    var negatives: Int { Int(falsePositives.last ?? 0) }

    /// Counts one class versus the rest.
    init(_ predictions: Predictions, class c: Int) {
        var keys = [UInt32]()
        keys.reserveCapacity(predictions.count)
        for (i, label) in predictions.labels.enumerated() {
            keys.append(Self.key(predictions.probability(i, c), label == c))
        }
        self.init(keys: &keys)
    }

    /// Pools all N·K decisions "sample i is of class j" into one binary problem.
    init(micro predictions: Predictions) {
        let k = predictions.classCount
        var keys = [UInt32]()
        keys.reserveCapacity(predictions.count * k)
        for (i, label) in predictions.labels.enumerated() {
            for j in 0..<k { keys.append(Self.key(predictions.probability(i, j), label == j)) }
        }
        self.init(keys: &keys)
    }

    /// Counts decisions, each with its score and whether it is truly positive.
    init(_ decisions: [(score: Float, isPositive: Bool)]) {
        var keys = decisions.map { Self.key($0.score, $0.isPositive) }
        self.init(keys: &keys)
    }

    /// Returns score and truth packed into one sortable integer. The bit patterns of floats in [0, 1] sort like the
    /// floats; the shift drops the sign bit, which only distinguishes −0 from 0.
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

    /// Returns the points at `indices`, which must be ascending.
    func selecting(_ indices: [Int]) -> ThresholdCounts {
        var result = self
        result.thresholds = indices.map { thresholds[$0] }
        result.truePositives = indices.map { truePositives[$0] }
        result.falsePositives = indices.map { falsePositives[$0] }
        return result
    }
}
