import Evaluation
import Formats
import Plots

/// `acceptance.svg`: the share of lines accepted, most confident first, and the share of these that are wrong.
package enum AcceptanceFigure {
    package static func figure(_ evaluation: LineEvaluation) -> Figure {
        let count = Double(evaluation.count)
        let points = evaluation.acceptances.map {
            (x: Double($0.accepted) / count, y: Double($0.wrong) / Double($0.accepted))
        }
        let most = max(0.01, points.map(\.y).max() ?? 0.01)
        let line = LineChart.Line(name: "wrong among the accepted", stroke: .series(0), points: points, shape: .steps)
        return Figure(
            title: "Accepting the surest readings",
            subtitle:
                "\(Text.grouped(evaluation.count)) lines; mean probability \(Text.percent(evaluation.meanProbability)), "
                + "right \(Text.percent(evaluation.accuracy))",
            panels: [
                LineChart(
                    title: "Errors by share accepted", x: .linear("Share of lines accepted", 0...1),
                    y: .linear("Share of these wrong", 0...most), lines: [line]
                ).panel()
            ])
    }

    /// `acceptance.csv`.
    package static func csv(_ evaluation: LineEvaluation) -> String {
        var table = CSV(header: ["threshold", "accepted", "wrong"])
        for point in evaluation.acceptances {
            table.add(point.threshold)
            table.add(point.accepted)
            table.add(point.wrong)
            table.endLine()
        }
        return table.text
    }
}
