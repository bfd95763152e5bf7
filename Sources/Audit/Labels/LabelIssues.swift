import Formats

/// The method by which labels are judged to be wrong.
package enum LabelPruning: String, CaseIterable, Sendable {
    /// The samples with the smallest `p[i]` of their given class i, as many as the joint estimates to be wrong in all.
    case bySelfConfidence
    /// For given class i and other class j, the samples with the largest `p[j] − p[i]`, as many as the joint estimates.
    case byNoiseRate
    /// For each given class i, the samples with the smallest `p[i]`, as many as the joint estimates to be wrong.
    case byClass
    /// The samples found by both `byNoiseRate` and `byClass`.
    case both
    /// Every sample whose confident class is not the given one.
    case confident
    /// Every sample whose most probable class is not the given one.
    case predicted

    /// Returns the samples with wrong labels in ascending order. Samples whose most probable class is the given one are
    /// never among them.
    /// - Parameter joint: the joint of the same samples.
    package func issues(_ data: LabelledProbabilities, _ joint: ConfidentJoint) -> [Int] {
        let found: Set<Int>
        switch self {
        case .bySelfConfidence:
            let wrong = Int((joint.noiseShare * Double(data.count)).rounded(.toNearestOrEven))
            let own = LabelQuality.selfConfidence.scores(data)
            found = Set((0..<data.count).sorted { (own[$0], $0) < (own[$1], $1) }.prefix(wrong))
        case .byNoiseRate: found = Self.byNoiseRate(data, Self.pruneCounts(joint))
        case .byClass: found = Self.byClass(data, Self.pruneCounts(joint))
        case .both:
            let counts = Self.pruneCounts(joint)
            found = Self.byNoiseRate(data, counts).intersection(Self.byClass(data, counts))
        case .confident: found = Set(joint.offDiagonal)
        case .predicted: found = Set((0..<data.count).filter { data.predicted($0) != data.labels[$0] })
        }
        return found.filter { !Self.isSupported(data, $0) }.sorted()
    }

    /// Returns whether the given class is the most probable one, within the tolerance.
    private static func isSupported(_ data: LabelledProbabilities, _ i: Int) -> Bool {
        let own = data.probability(i, data.labels[i]) + ConfidentJoint.tolerance
        return (0..<data.classCount).allSatisfy {
            $0 == data.labels[i] || data.probability(i, $0) < own
                || (data.probability(i, $0) == own && $0 > data.labels[i])
        }
    }

    /// Returns how many samples to prune, `[true, given]`, with the number kept on the diagonal: at least one of each
    /// class, taken evenly from the class's other entries.
    static func pruneCounts(_ joint: ConfidentJoint) -> [[Int]] {
        let k = joint.calibrated.count
        var counts = (0..<k).map { j in (0..<k).map { Double(joint.calibrated[$0][j]) } }
        for given in 0..<k {
            let column = (0..<k).map { counts[$0][given] }
            let kept = max(column[given], 1)
            let raised = (kept - column[given]) / max(Double(column.filter { $0 != 0 }.count) - 1, 1)
            for j in 0..<k { counts[j][given] = max(column[j] - raised, 0) }
            counts[given][given] = kept
        }
        return counts.map { ConfidentJoint.rounded($0.map { $0.rounded(.towardZero) }) }
    }

    private static func members(_ data: LabelledProbabilities) -> [[Int]] {
        var members = [[Int]](repeating: [], count: data.classCount)
        for (i, label) in data.labels.enumerated() { members[label].append(i) }
        return members
    }

    private static func byClass(_ data: LabelledProbabilities, _ counts: [[Int]]) -> Set<Int> {
        var found = Set<Int>()
        for (k, members) in members(data).enumerated() where members.count > 1 {
            let order = members.sorted { (data.probability($0, k), $0) < (data.probability($1, k), $1) }
            found.formUnion(order.prefix(max(members.count - counts[k][k], 0)))
        }
        return found
    }

    private static func byNoiseRate(_ data: LabelledProbabilities, _ counts: [[Int]]) -> Set<Int> {
        var found = Set<Int>()
        for (k, members) in members(data).enumerated() where members.count > 1 {
            for j in 0..<data.classCount where j != k && counts[j][k] > 0 {
                let margin = { (i: Int) in data.probability(i, k) - data.probability(i, j) }
                found.formUnion(members.sorted { (margin($0), $0) < (margin($1), $1) }.prefix(counts[j][k]))
            }
        }
        return found
    }
}
