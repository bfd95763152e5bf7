import Evaluation
import Formats

/// `lines.csv`: every line with its text, the text that was read, and its probability.
package enum LinesTable {
    package static func csv(_ evaluation: LineEvaluation) -> String {
        var table = CSV(header: ["line", "text", "read", "probability", "right", "loss"])
        let names = evaluation.classNames
        for (index, line) in evaluation.lines.enumerated() {
            table.add(index)
            table.add(line.truth.map { names[$0] }.joined())
            table.add(line.read.map { names[$0] }.joined())
            table.add(line.probability)
            table.add(line.isRight ? 1 : 0)
            table.add(line.loss)
            table.endLine()
        }
        return table.text
    }
}
