import Evaluation
import Formats
import Plots
import Runs

/// The summary at the end of a run for a terminal: the main metrics, a table of classes and the confusions. At most 80
/// columns, without colours.
package enum ConsoleSummary {
    /// The number of classes above which only the worst are listed.
    static let classLimit = 20
    static let worstCount = 10
    /// The number of classes above which confusions are listed rather than drawn as a matrix.
    static let matrixLimit = 10

    package static func text(_ evaluation: EvaluationSummary) -> String {
        [headline(evaluation), classTable(evaluation), confusions(evaluation)].joined(separator: "\n")
    }

    private static func headline(_ evaluation: EvaluationSummary) -> String {
        let report = evaluation.report
        let interval = evaluation.accuracyInterval
        let rows = [
            (
                "Test accuracy",
                "\(Text.percent(report.accuracy))  (95 % interval \(Text.hundredths(interval.lower)) to "
                    + "\(Text.hundredths(interval.upper)); \(Text.grouped(evaluation.confusionMatrix.correct)) "
                    + "of \(Text.grouped(report.count)))"
            )
        ]
        let averages = evaluation.precisionRecall.averagePrecision
        let figures: [(String, Double, BootstrapIntervals.Figure)] = [
            ("Loss", evaluation.logLoss, .logLoss), ("Macro precision", report.precision.macro, .precision),
            ("Macro recall", report.recall.macro, .recall), ("Macro F1", report.f1.macro, .f1),
            ("Macro AP", averages.macro, .averagePrecision),
            ("Calibration error", evaluation.calibration.expectedError, .calibrationError),
        ]
        return
            (rows
            + figures.map { name, value, figure in
                let interval = evaluation.bootstrap?[figure].map {
                    "  (\(Text.fixed($0.lower, 4)) to \(Text.fixed($0.upper, 4)))"
                }
                return (name, Text.fixed(value, 4) + (interval ?? ""))
            }
            + evaluation.metrics.map { ($0.name, $0.value.isNaN ? "undefined" : Text.fixed($0.value, 4)) })
            .map { Text.left($0.0, max(19, $0.0.count + 2)) + $0.1 + "\n" }.joined() + report.macroNote + "\n"
    }

    private static func classTable(_ evaluation: EvaluationSummary) -> String {
        let classes = evaluation.report.perClass
        var shown = Array(classes.indices)
        if classes.count > classLimit {
            shown = Array(
                shown.filter { classes[$0].support > 0 }
                    .sorted { (classes[$0].f1, $0) < (classes[$1].f1, $1) }.prefix(worstCount))
        }
        let names = shown.map { Text.name(classes[$0].name, limit: 24) }
        let width = max(names.map(Text.columns).max() ?? 0, 8)
        func row(_ name: String, _ fields: [String]) -> String {
            Text.right(name, width) + fields.map { Text.right($0, 11) }.joined() + "\n"
        }
        var text = row("Class", ["precision", "recall", "F1", "AP", "support"])
        for (name, c) in zip(names, shown) {
            let scores = classes[c]
            let precision = evaluation.precisionRecall.perClass[c].averagePrecision
            text += row(
                name,
                [scores.precision, scores.recall, scores.f1, precision].map { Text.fixed($0, 4) }
                    + [Text.grouped(scores.support)])
        }
        if shown.count < classes.count {
            text +=
                "The \(shown.count) classes of lowest F1; \(classes.count - shown.count) more in "
                + "\(RunFile.classificationReport.rawValue).\n"
        }
        return text
    }

    private static func confusions(_ evaluation: EvaluationSummary) -> String {
        let matrix = evaluation.confusionMatrix
        return matrix.classCount <= matrixLimit ? drawn(matrix) : listed(matrix)
    }

    private static func drawn(_ matrix: ConfusionMatrix) -> String {
        let names = matrix.classNames.map { Text.name($0, limit: 12) }
        let longest = matrix.counts.joined().map { Text.grouped($0).count }.max() ?? 1
        // Columns are as narrow as the counts allow and as wide as the names require, within 80 in all.
        let room = (80 - 15) / matrix.classCount - 1
        let column = min(room, max(longest, names.map(Text.columns).max() ?? 1, 3))
        let width = max(names.map(Text.columns).max() ?? 0, 8)
        var text = "Confusion matrix (rows: true, columns: predicted)\n" + String(repeating: " ", count: width)
        for name in matrix.classNames { text += " " + Text.right(Text.name(name, limit: column), column) }
        text += "\n"
        for (i, row) in matrix.counts.enumerated() {
            text += Text.right(names[i], width)
            for count in row {
                text += " " + Text.right(count == 0 ? "·" : figure(count, column), column)
            }
            text += "\n"
        }
        return text
    }

    /// Formats a count within `width` characters, in thousands or millions if necessary.
    private static func figure(_ count: Int, _ width: Int) -> String {
        let candidates = [Text.grouped(count), String(count), "\(count / 1000)k", "\(count / 1_000_000)M"]
        return candidates.first { $0.count <= width } ?? "…"
    }

    private static func listed(_ matrix: ConfusionMatrix) -> String {
        var wrong: [(true: Int, predicted: Int, count: Int)] = []
        for (i, row) in matrix.counts.enumerated() {
            for (j, count) in row.enumerated() where i != j && count > 0 { wrong.append((i, j, count)) }
        }
        guard !wrong.isEmpty else { return "No confusions.\n" }
        wrong.sort { ($1.count, $0.true, $0.predicted) < ($0.count, $1.true, $1.predicted) }
        let support = matrix.support
        var text = "Most frequent confusions\n"
        for pair in wrong.prefix(worstCount) {
            let share = Text.percent(Double(pair.count) / Double(support[pair.true]), 1)
            text +=
                "  " + Text.right(Text.name(matrix.classNames[pair.true], limit: 16), 8) + " taken for "
                + Text.left(Text.name(matrix.classNames[pair.predicted], limit: 16), 8)
                + Text.right(Text.grouped(pair.count), 7) + "  (\(share) of the class)\n"
        }
        return text
    }
}

extension ClassificationReport {
    /// A note on the number of classes that macro averages are taken over.
    var macroNote: String {
        let absent = perClass.count { $0.support == 0 }
        return "Macro figures are means over \(perClass.count) classes"
            + (absent == 0 ? "." : "; \(absent) of them without test images count 0.")
    }
}
