import Testing

@testable import Evaluation

/// Figures of lines against counts by hand, and edits against an exhaustive search.
@Suite struct LineEvaluationTests {
    private static func distance(_ a: ArraySlice<Int>, _ b: ArraySlice<Int>) -> Int {
        guard let x = a.first else { return b.count }
        guard let y = b.first else { return a.count }
        return min(
            distance(a.dropFirst(), b.dropFirst()) + (x == y ? 0 : 1), distance(a.dropFirst(), b) + 1,
            distance(a, b.dropFirst()) + 1)
    }

    @Test func editsAreTheFewest() {
        var texts: [[Int]] = [[]]
        for length in 1...4 {
            for number in 0..<(1 << length) { texts.append((0..<length).map { number >> $0 & 1 }) }
        }
        for a in texts {
            for b in texts {
                let edits = Edits(from: a, to: b)
                #expect(edits.steps.count == Self.distance(a[...], b[...]), "\(a) \(b)")
                #expect(edits.steps.count == edits.substitutions + edits.insertions + edits.deletions)
                #expect(b.count - a.count == edits.insertions - edits.deletions)
                // They lead from one to the other: what is not edited is the same, in order.
                var kept = a
                for step in edits.steps where step.truth != nil {
                    if let i = kept.firstIndex(of: step.truth ?? -1) { kept.remove(at: i) }
                }
                #expect(kept.count == a.count - edits.substitutions - edits.deletions)
            }
        }
        #expect(Edits(from: [1, 2, 3], to: [1, 3]).steps == [.init(truth: 2, read: nil)])
        #expect(Edits(from: [1, 2], to: [1, 7, 2]).steps == [.init(truth: nil, read: 7)])
        #expect(Edits(from: [4, 9], to: [4, 4]).steps == [.init(truth: 9, read: 4)])
    }

    @Test func figuresAreCounts() throws {
        func line(_ truth: [Int], _ read: [Int], _ p: Double) -> LinePrediction {
            LinePrediction(truth: truth, read: read, probability: p, loss: 0.5)
        }
        let lines = [
            line([1, 2], [1, 2], 0.9), line([3], [4], 0.8), line([1, 2], [1], 0.7), line([5, 6, 7], [5, 6, 7], 0.7),
            line([3], [4], 0.2), line([0], [0, 0], 0.1),
        ]
        let evaluation = LineEvaluation(lines, classNames: (0..<10).map(String.init))
        #expect(evaluation.count == 6 && evaluation.correct == 2)
        #expect(evaluation.characters == 10 && evaluation.substitutions == 2)
        #expect(evaluation.insertions == 1 && evaluation.deletions == 1)
        #expect(evaluation.characterErrorRate == 0.4 && evaluation.logLoss == 0.5)
        #expect(abs(evaluation.meanProbability - 3.4 / 6) < 1e-12)
        #expect(evaluation.accuracyInterval == .wilson(successes: 2, count: 6))
        #expect(
            evaluation.lengths == [
                .init(length: 1, count: 3, correct: 0), .init(length: 2, count: 2, correct: 1),
                .init(length: 3, count: 1, correct: 1),
            ])
        #expect(evaluation.confusions.first == .init(truth: 3, read: 4, count: 2))
        #expect(
            Set(evaluation.confusions.dropFirst()) == [
                .init(truth: nil, read: 0, count: 1), .init(truth: 2, read: nil, count: 1),
            ])
        // Equal probabilities are accepted together.
        #expect(
            evaluation.acceptances == [
                .init(threshold: 0.9, accepted: 1, wrong: 0), .init(threshold: 0.8, accepted: 2, wrong: 1),
                .init(threshold: 0.7, accepted: 4, wrong: 2), .init(threshold: 0.2, accepted: 5, wrong: 3),
                .init(threshold: 0.1, accepted: 6, wrong: 4),
            ])
        #expect(evaluation.coverage(error: 0)?.accepted == 1)
        #expect(evaluation.coverage(error: 0.5)?.accepted == 4)
        #expect(evaluation.coverage(error: 1)?.accepted == 6)
    }
}
