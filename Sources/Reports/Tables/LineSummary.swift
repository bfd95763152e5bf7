import Evaluation
import Formats

/// The results of a test on lines of text, for a console.
package enum LineSummary {
    package static func text(_ evaluation: LineEvaluation) -> String {
        let interval = evaluation.accuracyInterval
        var text =
            "Lines        \(Text.percent(evaluation.accuracy)) read right as a whole, 95 % interval "
            + "\(Text.hundredths(interval.lower)) to \(Text.hundredths(interval.upper)) % of "
            + "\(Text.grouped(evaluation.count))\n"
        text +=
            "Characters   \(Text.percent(evaluation.characterErrorRate)) wrong of \(Text.grouped(evaluation.characters)): "
            + "\(Text.grouped(evaluation.substitutions)) taken for others, \(Text.grouped(evaluation.insertions)) put in, "
            + "\(Text.grouped(evaluation.deletions)) left out\n"
        text +=
            "Probability  \(Text.percent(evaluation.meanProbability)) on average; log loss "
            + "\(Text.share(evaluation.logLoss, 4)) nats a line\n\n"
        text += "Length  lines  right\n"
        for group in evaluation.lengths {
            text +=
                right("\(group.length)", 6) + right(Text.grouped(group.count), 7)
                + right(Text.percent(Double(group.correct) / Double(group.count)), 10) + "\n"
        }
        let shown = evaluation.confusions.prefix(8)
        guard !shown.isEmpty else { return text }
        let names = evaluation.classNames
        text += "\nMost frequent: "
        text +=
            shown.map { confusion in
                let read = confusion.read.map { names[$0] }, truth = confusion.truth.map { names[$0] }
                let what =
                    switch (truth, read) {
                    case (let truth?, let read?): "\(truth) read as \(read)"
                    case (let truth?, nil): "\(truth) left out"
                    case (nil, let read): "\(read ?? "") put in"
                    }
                return "\(what) \(confusion.count)"
            }.joined(separator: ", ") + "\n"
        return text
    }

    private static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - Text.columns(text))) + text
    }
}
