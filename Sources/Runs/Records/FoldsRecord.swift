import Evaluation
import Formats
import Foundation
import Tensors

/// The results of a cross-validation, written to `folds.json` and `folds.csv`: each fold's metrics, their mean and
/// spread, and the metrics of all images together.
package struct FoldsRecord: Encodable, Hashable, Sendable {
    /// One fold.
    package struct Part: Encodable, Hashable, Sendable {
        package var number: Int
        /// The fold's run folder.
        package var run: String
        package var images: Int
        package var accuracy: Double
        package var loss: Double
        package var macroF1: Double

        package init(number: Int, run: String, _ evaluation: EvaluationSummary) {
            self.number = number
            self.run = run
            images = evaluation.predictions.count
            accuracy = evaluation.report.accuracy
            loss = evaluation.logLoss
            macroF1 = evaluation.report.f1.macro
        }
    }

    /// The mean and sample standard deviation over the folds.
    package struct Spread: Encodable, Hashable, Sendable {
        package var mean: Double
        package var standardDeviation: Double

        init(_ values: [Double]) {
            let mean = values.reduce(0, +) / Double(values.count)
            self.mean = mean
            standardDeviation =
                values.count < 2
                ? 0
                : (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)).squareRoot()
        }
    }

    package var name: String
    package var seed: UInt64
    package var parts: [Part]
    package var accuracy: Spread
    package var loss: Spread
    package var macroF1: Spread
    /// The metrics of all images, each judged by the network that was not trained on it.
    package var together: TestMetrics

    package init(name: String, seed: UInt64, parts: [Part], _ together: EvaluationSummary) {
        self.name = name
        self.seed = seed
        self.parts = parts
        accuracy = Spread(parts.map(\.accuracy))
        loss = Spread(parts.map(\.loss))
        macroF1 = Spread(parts.map(\.macroF1))
        self.together = TestMetrics(together)
    }

    /// Returns a table for the console.
    package func table() -> String {
        var lines = ["Part   images   accuracy       loss   macro F1"]
        for part in parts {
            lines.append(
                Text.right("\(part.number)", 4) + Text.right(Text.grouped(part.images), 9)
                    + Text.right(Text.percent(part.accuracy), 11) + Text.right(Text.fixed(part.loss, 4), 11)
                    + Text.right(Text.fixed(part.macroF1, 4), 11))
        }
        lines.append(
            "mean" + Text.right("", 9) + Text.right(Text.percent(accuracy.mean), 11)
                + Text.right(Text.fixed(loss.mean, 4), 11) + Text.right(Text.fixed(macroF1.mean, 4), 11))
        lines.append(
            "  ±" + Text.right("", 10) + Text.right(Text.percent(accuracy.standardDeviation), 11)
                + Text.right(Text.fixed(loss.standardDeviation, 4), 11)
                + Text.right(Text.fixed(macroF1.standardDeviation, 4), 11))
        return lines.joined(separator: "\n") + "\n"
    }

    /// Writes `folds.csv` and `folds.json`.
    package func write(to folder: URL) throws {
        var csv = CSV(header: ["part", "images", "accuracy", "loss", "macroF1", "run"])
        for part in parts {
            csv.add(part.number)
            csv.add(part.images)
            csv.add(part.accuracy)
            csv.add(part.loss)
            csv.add(part.macroF1)
            csv.add(part.run)
            csv.endLine()
        }
        try AtomicFile.write(csv.text, to: folder.appendingPathComponent("folds.csv"))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try AtomicFile.write(try encoder.encode(self), to: folder.appendingPathComponent("folds.json"))
    }
}
