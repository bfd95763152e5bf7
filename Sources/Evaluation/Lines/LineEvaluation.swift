/// A line of text: its true text and the text that was read, as class indices from left to right.
package struct LinePrediction: Hashable, Sendable {
    /// The true text.
    package var truth: [Int]
    /// The text that was read.
    package var read: [Int]
    /// The probability of the whole reading, in [0, 1].
    package var probability: Double
    /// The loss `−log P(truth)`, in nats.
    package var loss: Double

    /// Creates the prediction of one line.
    package init(truth: [Int], read: [Int], probability: Double, loss: Double) {
        (self.truth, self.read, self.probability, self.loss) = (truth, read, probability, loss)
    }

    /// Whether the whole line was read correctly.
    package var isRight: Bool { truth == read }
}

/// All figures of a line reader on one set of lines.
package struct LineEvaluation: Hashable, Sendable {
    /// The results on lines of one length.
    package struct Length: Hashable, Sendable, Encodable {
        /// The number of characters.
        package var length: Int
        /// The number of lines.
        package var count: Int
        /// The number of lines read correctly.
        package var correct: Int
    }

    /// A confusion of one character with another; nil stands for no character.
    package struct Confusion: Hashable, Sendable {
        /// The true character.
        package var truth: Int?
        /// The character read.
        package var read: Int?
        /// The number of occurrences.
        package var count: Int
    }

    /// The result of accepting all readings whose probability is at least a threshold.
    package struct Acceptance: Hashable, Sendable {
        /// The lowest accepted probability.
        package var threshold: Double
        /// The number of lines accepted.
        package var accepted: Int
        /// The number of accepted lines that are wrong.
        package var wrong: Int
    }

    /// The predictions, in the set's order.
    package let lines: [LinePrediction]
    /// The names of the classes.
    package let classNames: [String]
    /// The number of lines read correctly.
    package let correct: Int
    /// The 95 % Wilson interval of ``accuracy``.
    package let accuracyInterval: ConfidenceInterval
    /// The number of characters in all lines.
    package let characters: Int
    /// The number of characters read as others, over all lines.
    package let substitutions: Int
    /// The number of characters read where there are none.
    package let insertions: Int
    /// The number of characters not read.
    package let deletions: Int
    /// The mean of `−log P(truth)`, in nats per line.
    package let logLoss: Double
    /// The results by length, ascending.
    package let lengths: [Length]
    /// The confusions, most frequent first.
    package let confusions: [Confusion]
    /// The acceptance curve, one point for each distinct probability, most confident first.
    package let acceptances: [Acceptance]

    /// Computes all figures.
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

    /// The number of lines.
    package var count: Int { lines.count }
    /// The fraction of lines read entirely correctly.
    package var accuracy: Double { Double(correct) / Double(count) }
    /// The character error rate, `(S + I + D) / N`: edits per true character. It may exceed 1.
    package var characterErrorRate: Double { Double(substitutions + insertions + deletions) / Double(characters) }
    /// The mean probability of the readings; equals ``accuracy`` if they are calibrated.
    package var meanProbability: Double { lines.reduce(0) { $0 + $1.probability } / Double(count) }

    /// Returns the point with the most accepted lines such that at most a fraction `error` is wrong; nil if none.
    package func coverage(error: Double) -> Acceptance? {
        acceptances.last { Double($0.wrong) <= error * Double($0.accepted) }
    }
}
