import Evaluation
import Foundation

/// From which probability on fields are accepted, so that a share of them is wrong that is bounded.
///
/// Labelled fields, the surest first, are tested in an order that was fixed before their labels were seen: from each of three starts
/// (the fewest that can do, nine tenths of all, and half way between) less and less sure ones are added, as long as the exact binomial
/// bound on the errors keeps to the limit. Each start has a third of what the level leaves, so that the bound of whatever is chosen holds with at least
/// that level: fixed-sequence testing (A. N. Angelopoulos, S. Bates et al., "Learn then test", 2021, arXiv:2110.01052).
///
/// It assumes that forms to come are like those that were labelled, and that their errors are independent.
package struct AcceptanceThreshold: Hashable, Sendable {
    /// Fields of this probability and more are accepted; nil: none.
    package var probability: Double?
    /// Labelled fields, those of them that would be accepted, and of these the wrong ones.
    package var count: Int
    package var accepted = 0
    package var wrong = 0
    /// The error rate of accepted fields is at most this, at the level; nil where none are accepted.
    package var bound: Double?
    /// The fewest fields that may do.
    package var leastCount: Int

    private static let (starts, most) = (3, 0.9)
    /// Of all fields, that are added at a time.
    private static let step = 0.005

    package struct Labelled: Sendable {
        package var probability: Double
        package var isWrong: Bool
        /// Whether it may be accepted at all.
        package var isCandidate: Bool

        package init(probability: Double, isWrong: Bool, isCandidate: Bool) {
            (self.probability, self.isWrong, self.isCandidate) = (probability, isWrong, isCandidate)
        }
    }

    package init(_ fields: [Labelled], options: AcceptanceOptions) {
        let level = 1 - (1 - options.level) / Double(Self.starts)
        count = fields.count
        leastCount = BinomialBound.leastCount(rate: options.error, level: level)
        let sure = fields.filter(\.isCandidate).sorted { $0.probability > $1.probability }
        var errors = [0]
        for field in sure { errors.append(errors[errors.count - 1] + (field.isWrong ? 1 : 0)) }
        /// The end of those that are as sure as the last of the first `n`.
        func end(_ n: Int) -> Int {
            var end = max(n, 1)
            while end < sure.count, sure[end].probability == sure[end - 1].probability { end += 1 }
            return end
        }
        let most = Self.most * Double(fields.count)
        for start in Set([leastCount, Int((Double(leastCount) + most) / 2), Int(most)]).sorted()
        where start >= leastCount {
            var next = start
            while next >= 1, next <= sure.count {
                let n = end(next)
                let bound = BinomialBound.upper(errors: errors[n], count: n, level: level)
                guard bound <= options.error else { break }
                if n > accepted {
                    (accepted, wrong, self.bound) = (n, errors[n], bound)
                    probability = sure[n - 1].probability
                }
                guard n < sure.count else { break }
                next = min(sure.count, max(n + 1, n + Int(Self.step * Double(fields.count))))
            }
        }
    }
}
