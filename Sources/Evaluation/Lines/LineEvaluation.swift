/// A line of text, what it says and what was read. Texts are classes from left to right.
package struct LinePrediction: Hashable, Sendable {
    /// What it says.
    package var truth: [Int]
    /// What was read.
    package var read: [Int]
    /// Of the whole reading, in [0, 1].
    package var probability: Double
    /// `−log P(truth)`, nats.
    package var loss: Double

    /// One line.
    package init(truth: [Int], read: [Int], probability: Double, loss: Double) {
        (self.truth, self.read, self.probability, self.loss) = (truth, read, probability, loss)
    }

    /// Whether the whole line is right.
    package var isRight: Bool { truth == read }
}

/// Every figure of a reader of lines on one set of them.
package struct LineEvaluation: Hashable, Sendable {
    /// Lines of one length.
    package struct Length: Hashable, Sendable, Encodable {
        /// Characters.
        package var length: Int
        /// Lines.
        package var count: Int
        /// Lines read right.
        package var correct: Int
    }

    /// One character taken for another; nil for none.
    package struct Confusion: Hashable, Sendable {
        /// What it is.
        package var truth: Int?
        /// What was read.
        package var read: Int?
        /// How often.
        package var count: Int
    }

    /// What accepting all readings of at least some probability gives.
    package struct Acceptance: Hashable, Sendable {
        /// The least probability that is accepted.
        package var threshold: Double
        /// Lines accepted.
        package var accepted: Int
        /// Of these, wrong.
        package var wrong: Int
    }

    /// What was read, in the set's order.
    package let lines: [LinePrediction]
    /// Names of the classes.
    package let classNames: [String]
    /// Lines read right.
    package let correct: Int
    /// Of ``accuracy``, Wilson, 95 %.
    package let accuracyInterval: ConfidenceInterval
    /// Characters of all lines.
    package let characters: Int
    /// Characters read as others, over all lines.
    package let substitutions: Int
    /// Characters read where none is.
    package let insertions: Int
    /// Characters not read.
    package let deletions: Int
    /// Mean of `−log P(truth)`, nats a line.
    package let logLoss: Double
    /// By length, rising.
    package let lengths: [Length]
    /// What was taken for what, the most frequent first.
    package let confusions: [Confusion]
    /// From the surest line on, a point for each further one; lines of equal probability in one.
    package let acceptances: [Acceptance]

    /// Computes everything.
    package init(_ lines: [LinePrediction], classNames: [String]) {
        self.lines = lines
        self.classNames = classNames
        correct = lines.count { $0.isRight }
        accuracyInterval = .wilson(successes: correct, count: lines.count)
        characters = lines.reduce(0) { $0 + $1.truth.count }
        let edits = lines.map { Edits(from: $0.truth, to: $0.read) }
        substitutions = edits.reduce(0) { $0 + $1.substitutions }
        insertions = edits.reduce(0) { $0 + $1.insertions }
        deletions = edits.reduce(0) { $0 + $1.deletions }
        logLoss = lines.isEmpty ? .nan : lines.reduce(0) { $0 + $1.loss } / Double(lines.count)
        let groups = Dictionary(grouping: lines) { $0.truth.count }
        lengths = groups.keys.sorted().map { length in
            let group = groups[length] ?? []
            return Length(length: length, count: group.count, correct: group.count { $0.isRight })
        }
        var counts: [Edits.Step: Int] = [:]
        for step in edits.flatMap(\.steps) { counts[step, default: 0] += 1 }
        confusions = counts.map { Confusion(truth: $0.key.truth, read: $0.key.read, count: $0.value) }
            .sorted { a, b in
                a.count == b.count
                    ? (a.truth ?? -1, a.read ?? -1) < (b.truth ?? -1, b.read ?? -1) : a.count > b.count
            }
        var points: [Acceptance] = []
        var wrong = 0
        for (index, line) in lines.sorted(by: { $0.probability > $1.probability }).enumerated() {
            if !line.isRight { wrong += 1 }
            let point = Acceptance(threshold: line.probability, accepted: index + 1, wrong: wrong)
            if points.last?.threshold == line.probability {
                points[points.count - 1] = point
            } else {
                points.append(point)
            }
        }
        acceptances = points
    }

    /// How many lines there are.
    package var count: Int { lines.count }
    /// The share of lines read right as a whole.
    package var accuracy: Double { Double(correct) / Double(count) }
    /// `(S + I + D) / N`: edits over the characters there are. It may pass 1.
    package var characterErrorRate: Double { Double(substitutions + insertions + deletions) / Double(characters) }
    /// Mean probability of the readings; where they are calibrated, ``accuracy``.
    package var meanProbability: Double { lines.reduce(0) { $0 + $1.probability } / Double(count) }

    /// The largest share of lines that can be accepted, the surest first, with at most `error` of them wrong; 0 where none can.
    package func coverage(error: Double) -> Acceptance? {
        acceptances.last { Double($0.wrong) <= error * Double($0.accepted) }
    }
}
