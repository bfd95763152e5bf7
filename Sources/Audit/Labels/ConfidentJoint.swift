import Formats

/// The confident joint: counts of the given and the true classes of samples, where a classifier is confident.
///
/// C. Northcutt, L. Jiang, I. Chuang, "Confident learning: estimating uncertainty in dataset labels", JAIR 70, 2021
/// (arXiv:1911.00068). A sample of given class i counts at `[i, j]`, where j is the class whose probability reaches the
/// class's threshold or, if several do, the most probable class. A class's threshold is its mean probability among the
/// samples that were given it: the classifier's average confidence in the class. Conventions, including the tolerance
/// of 10⁻⁶, are cleanlab's (2.9).
package struct ConfidentJoint: Hashable, Sendable {
    /// The thresholds, `[K]`; 2, which no probability reaches, for a class that no sample was given.
    package let thresholds: [Double]
    /// The counts, `[K, K]`, given by true class; the diagonal is at least 1.
    package let counts: [[Int]]
    /// The samples whose confident class is not the given one, in ascending order.
    package let offDiagonal: [Int]
    /// `counts` scaled to integers so that row i sums to the number of samples given class i.
    package let calibrated: [[Int]]

    static let tolerance = 1e-6

    /// - Complexity: N·K comparisons.
    package init(_ data: LabelledProbabilities) {
        let k = data.classCount, sizes = data.classSizes
        var sums = [Double](repeating: 0, count: k)
        for (i, label) in data.labels.enumerated() { sums[label] += data.probability(i, label) }
        let thresholds = (0..<k).map { sizes[$0] == 0 ? 2 : max(sums[$0] / Double(sizes[$0]), 2 * Self.tolerance) }
        var counts = [[Int]](repeating: [Int](repeating: 0, count: k), count: k)
        var offDiagonal: [Int] = []
        for (i, label) in data.labels.enumerated() {
            let confident = (0..<k).filter { data.probability(i, $0) >= thresholds[$0] - Self.tolerance }
            guard let first = confident.first else { continue }
            let guess = confident.count > 1 ? data.predicted(i) : first
            counts[label][guess] += 1
            if guess != label { offDiagonal.append(i) }
        }
        for c in 0..<k { counts[c][c] = max(counts[c][c], 1) }
        self.thresholds = thresholds
        self.counts = counts
        self.offDiagonal = offDiagonal
        calibrated = Self.calibrated(counts, sizes: sizes)
    }

    private static func calibrated(_ counts: [[Int]], sizes: [Int]) -> [[Int]] {
        let scaled = zip(counts, sizes).map { row, size in
            let sum = Double(row.reduce(0, +))
            return row.map { Double($0) / max(sum, 1e-100) * Double(size) }
        }
        let total = scaled.reduce(0) { $0 + $1.reduce(0, +) }, all = Double(sizes.reduce(0, +))
        return scaled.map { Self.rounded($0.map { $0 / max(total, 1e-100) * all }) }
    }

    /// Rounds `values` to integers that sum to the rounded sum of `values`, adjusting first those with the largest
    /// rounding errors.
    static func rounded(_ values: [Double]) -> [Int] {
        var whole = values.map { $0.rounded(.toNearestOrEven) }
        let wanted = values.reduce(0, +).rounded(.toNearestOrEven)
        while true {
            let missing = wanted - whole.reduce(0, +)
            guard missing != 0 else { return whole.map { Int($0) } }
            let step = missing < 0 ? -1.0 : 1.0
            let rest = values.indices.map { values[$0] - whole[$0] }
            let rising = rest.indices.sorted { (rest[$0], $0) < (rest[$1], $1) }
            let order = step > 0 ? rising.reversed() : rising
            for index in order.prefix(Int(min(abs(missing), Double(values.count)))) { whole[index] += step }
        }
    }

    /// The joint distribution of given (row) and true (column) class, `[K, K]` with sum 1.
    package var joint: [[Double]] {
        let sum = Double(calibrated.reduce(0) { $0 + $1.reduce(0, +) })
        return calibrated.map { $0.map { Double($0) / max(sum, 1e-100) } }
    }

    /// The noise matrix P(given i | true j), `[K, K]`: how labellers err. Columns sum to 1, or to 0 if no sample is of
    /// the class.
    package var noise: [[Double]] {
        let joint = joint
        let columns = joint.indices.map { j in joint.reduce(0) { $0 + $1[j] } }
        return joint.map { row in zip(row, columns).map { $1 > 0 ? $0 / $1 : 0 } }
    }

    /// The share of labels that are wrong: the sum off the joint's diagonal.
    package var noiseShare: Double {
        let joint = joint
        return 1 - joint.indices.reduce(0) { $0 + joint[$1][$1] }
    }
}
