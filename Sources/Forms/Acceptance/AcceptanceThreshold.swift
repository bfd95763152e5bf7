import Evaluation
import Foundation

/// The probability from which on fields are accepted, chosen such that the error rate of accepted fields is bounded.
///
/// Labelled fields, most confident first, are tested in an order that is fixed before their labels are seen: from each
/// of three starts (the smallest number that can suffice, nine tenths of all, and half-way between) less and less
/// confident fields are added as long as the exact binomial bound on the errors stays within the limit. Each start gets
/// a third of the allowed failure probability, so that the bound of the final choice holds at least at the given level:
/// fixed-sequence testing (A. N. Angelopoulos, S. Bates et al., "Learn then test", 2021, arXiv:2110.01052).
///
/// Assumes that future forms are like the labelled ones, and that errors are independent.
package struct AcceptanceThreshold: Hashable, Sendable {
    /// The probability from which on fields are accepted; nil to accept none.
    package var probability: Double?
    /// The number of labelled fields.
    package var count: Int
    /// The number of labelled fields that would be accepted.
    package var accepted = 0
    /// The number of those that are wrong.
    package var wrong = 0
    /// The upper bound on the error rate of accepted fields, at the given level; nil if none are accepted.
    package var bound: Double?
    /// The smallest number of fields that can suffice.
    package var leastCount: Int

    private static let (starts, most) = (3, 0.9)
    /// The fraction of all fields that is added at a time.
    private static let step = 0.005

    package struct Labelled: Sendable {
        package var probability: Double
        package var isWrong: Bool
        /// Whether the field may be accepted at all.
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
        /// Returns `n` extended to the end of the fields whose probability equals that of the last one.
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
