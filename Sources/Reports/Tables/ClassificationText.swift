import Evaluation
import Formats

/// `classification_report.txt`: precision, recall, F1 and support in the layout of scikit-learn's
/// `classification_report(…, digits=4)`, at most 80 columns wide.
package enum ClassificationText {
    /// Leaves 41 of 80 characters for the columns beside the name and their five blanks.
    private static let nameLimit = 39

    package static func text(_ report: ClassificationReport) -> String {
        let names = report.perClass.map { Text.name($0.name, limit: nameLimit) }
        let width = max(names.map(Text.columns).max() ?? 0, "weighted avg".count)
        func row(_ name: String, _ fields: [String]) -> String {
            Text.right(name, width) + " " + fields.map { " " + Text.right($0, 9) }.joined() + "\n"
        }
        func figures(_ values: Double..., support: Int) -> [String] {
            values.map { Text.fixed($0, 4) } + [String(support)]
        }
        var text = row("", ["precision", "recall", "f1-score", "support"]) + "\n"
        for (name, scores) in zip(names, report.perClass) {
            text += row(name, figures(scores.precision, scores.recall, scores.f1, support: scores.support))
        }
        text += "\n" + row("accuracy", ["", ""] + figures(report.accuracy, support: report.count))
        text += row(
            "macro avg",
            figures(report.precision.macro, report.recall.macro, report.f1.macro, support: report.count))
        text += row(
            "weighted avg",
            figures(report.precision.weighted, report.recall.weighted, report.f1.weighted, support: report.count))
        return text
    }
}
