import Evaluation
import Formats
import Foundation
import Tensors
import Training

/// One of several models whose probabilities are averaged, with its own results.
package struct EnsembleMember: Hashable, Sendable {
    /// The run or file it came from.
    package var name: String
    package var parameters: Int
    package var correct: Int
    package var count: Int
    package var logLoss: Double
    package var macroF1: Double

    package init(name: String, parameters: Int, predictions: Predictions) {
        self.name = name
        self.parameters = parameters
        let matrix = ConfusionMatrix(predictions)
        correct = matrix.correct
        count = predictions.count
        logLoss = predictions.logLoss
        macroF1 = ClassificationReport(matrix).f1.macro
    }

    /// A short name for tables. The end of a path says more than its beginning.
    package var shortName: String {
        let plain = Text.plain(name)
        return plain.count > 44 ? "…" + plain.suffix(43) : plain
    }

    package var accuracy: Double { Double(correct) / Double(count) }
}

/// `members.csv`: the models of an ensemble in order, each with its own metrics on the same images.
package enum MembersTable {
    package static func csv(_ members: [EnsembleMember]) -> String {
        var table = CSV(header: ["model", "parameters", "accuracy", "errors", "logLoss", "macroF1"])
        for member in members {
            table.add(member.name)
            table.add(member.parameters)
            table.add(member.accuracy)
            table.add(member.count - member.correct)
            table.add(member.logLoss)
            table.add(member.macroF1)
            table.endLine()
        }
        return table.text
    }

    /// Returns the same table for a terminal.
    package static func text(_ members: [EnsembleMember]) -> String {
        let names = members.map(\.shortName)
        let width = max(names.map(Text.columns).max() ?? 0, 6)
        func row(_ name: String, _ fields: [String]) -> String {
            Text.left(name, width) + fields.map { Text.right($0, 11) }.joined() + "\n"
        }
        return row("Member", ["accuracy", "wrong", "loss", "macro F1", "parameters"])
            + zip(names, members).map { name, member in
                row(
                    name,
                    [
                        Text.percent(member.accuracy), Text.grouped(member.count - member.correct),
                        Text.fixed(member.logLoss, 4), Text.share(member.macroF1, 4), Text.grouped(member.parameters),
                    ])
            }.joined()
    }
}

extension RunFolder {
    /// Writes `members.csv`.
    package func write(members: [EnsembleMember]) throws(OperationError) {
        try AtomicFile.write(MembersTable.csv(members), to: url.appendingPathComponent("members.csv"))
    }
}
