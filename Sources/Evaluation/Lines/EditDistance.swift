/// The edits that turn one text into another: substitutions, insertions and deletions.
package struct Edits: Hashable, Sendable {
    /// One edit: the true character and the one read instead. At most one of them is nil.
    package struct Step: Hashable, Sendable {
        /// The true character; nil for an insertion.
        package var truth: Int?
        /// The character read; nil for a deletion.
        package var read: Int?
    }

    /// The edits in text order, without matches.
    package let steps: [Step]

    /// Computes a minimum edit script from `truth` to `read` (V. Levenshtein 1966), preferring substitutions on ties.
    /// O(n·m).
    package init(from truth: [Int], to read: [Int]) {
        let (n, m) = (truth.count, read.count), stride = m + 1
        var cost = [Int](repeating: 0, count: (n + 1) * stride)
        for i in 0...n { cost[i * stride] = i }
        for j in 0...m { cost[j] = j }
        for i in 1..<(n + 1) {
            for j in 1..<(m + 1) {
                let same = cost[(i - 1) * stride + j - 1] + (truth[i - 1] == read[j - 1] ? 0 : 1)
                cost[i * stride + j] = min(same, cost[(i - 1) * stride + j] + 1, cost[i * stride + j - 1] + 1)
            }
        }
        var steps: [Step] = []
        var (i, j) = (n, m)
        while i > 0 || j > 0 {
            let here = cost[i * stride + j]
            if i > 0, j > 0 {
                let isSame = truth[i - 1] == read[j - 1]
                if cost[(i - 1) * stride + j - 1] + (isSame ? 0 : 1) == here {
                    (i, j) = (i - 1, j - 1)
                    if !isSame { steps.append(Step(truth: truth[i], read: read[j])) }
                    continue
                }
            }
            if i > 0, cost[(i - 1) * stride + j] + 1 == here {
                i -= 1
                steps.append(Step(truth: truth[i], read: nil))
            } else {
                j -= 1
                steps.append(Step(truth: nil, read: read[j]))
            }
        }
        self.steps = steps.reversed()
    }

    /// The number of characters read as others.
    package var substitutions: Int { steps.count { $0.truth != nil && $0.read != nil } }
    /// The number of characters read where there are none.
    package var insertions: Int { steps.count { $0.truth == nil } }
    /// The number of characters not read.
    package var deletions: Int { steps.count { $0.read == nil } }
}
