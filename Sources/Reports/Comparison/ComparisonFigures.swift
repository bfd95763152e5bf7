import Evaluation
import Formats
import Plots
import Tensors

/// Overlaid curves of the compared runs, as pictures and as the numbers behind them.
enum ComparisonFigures {
    /// Returns training and validation loss and accuracy by epoch; nil if no run has a history.
    static func learningCurves(_ comparison: RunComparison) -> (svg: String, csv: String)? {
        let histories = comparison.runs.map { $0.history ?? [] }
        guard histories.contains(where: { !$0.isEmpty }) else { return nil }
        let last = Double(histories.compactMap { $0.last?.epoch }.max() ?? 1)
        let epochs = PlotAxis.linear("Epoch", last > 1 ? 1...last : 0.5...1.5, ticks: 8, integers: true)
        func panel(
            _ title: String, accuracy: Bool, _ value: (Int, Int) -> Double?
        ) -> OverlayFigure.Panel {
            let lines = histories.enumerated().map { run, history in
                OverlayFigure.Line(
                    run: run,
                    points: history.indices.map { (Double(history[$0].epoch), value(run, $0) ?? .nan) },
                    dots: history.count <= 15)
            }
            let values = lines.flatMap(\.points).map(\.y).filter(\.isFinite)
            let limits = accuracy ? 0...1 : 0...max(1, 1.1 * (values.max() ?? 1))
            return .init(
                title: title, x: epochs,
                y: .around(accuracy ? "Accuracy" : "Loss", values, within: limits, percent: accuracy),
                lines: lines)
        }
        let svg = OverlayFigure(
            title: "Learning curves", subtitle: "each run to its last epoch", names: names(comparison),
            panels: [
                panel("Training loss", accuracy: false) { histories[$0][$1].trainingLoss },
                panel("Validation loss", accuracy: false) { histories[$0][$1].validationLoss },
                panel("Training accuracy", accuracy: true) { histories[$0][$1].trainingAccuracy },
                panel("Validation accuracy", accuracy: true) { histories[$0][$1].validationAccuracy },
            ]
        ).svg
        var table = CSV(header: [
            "run", "epoch", "learningRate", "trainingLoss", "trainingAccuracy", "validationLoss", "validationAccuracy",
        ])
        for (run, history) in histories.enumerated() {
            for record in history {
                table.add(RunComparison.letter(run))
                table.add(record.epoch)
                table.add(record.learningRate)
                table.add(record.trainingLoss)
                table.add(record.trainingAccuracy)
                table.add(record.validationLoss)
                table.add(record.validationAccuracy)
                table.endLine()
            }
        }
        return (svg, table.text)
    }

    /// Returns the micro-averaged precision–recall and ROC curves, with their corners enlarged as far as all runs
    /// allow.
    static func curves(_ comparison: RunComparison) -> (svg: String, csv: String) {
        var table = CSV(header: ["run", "curve", "x", "y"])
        var precision: [OverlayFigure.Line] = [], roc: [OverlayFigure.Line] = []
        for (run, stored) in comparison.runs.enumerated() {
            let curve = stored.evaluation.precisionRecall.micro.withoutIntermediatePoints
            let first = (0..<curve.count).map { (x: curve[$0].recall, y: curve[$0].precision) }
            precision.append(.init(run: run, points: first, shape: .steps))
            let other = stored.evaluation.roc.micro
            let second = (0..<other.count).compactMap { i -> (x: Double, y: Double)? in
                guard let x = other[i].falsePositiveRate, let y = other[i].truePositiveRate else { return nil }
                return (x, y)
            }
            roc.append(.init(run: run, points: second))
            for (name, points) in [("precisionRecall", first), ("roc", second)] {
                for point in points {
                    table.add(RunComparison.letter(run))
                    table.add(name)
                    table.add(point.x)
                    table.add(point.y)
                    table.endLine()
                }
            }
        }
        let worst = comparison.runs.map { $0.evaluation.report.accuracy }.min() ?? 0
        // The corner spans at least four times the errors of the worst run; false positive rates are lower, as there
        // are more negatives.
        let corner = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5].first { $0 >= 4 * (1 - worst) } ?? 1
        let svg = OverlayFigure(
            title: "Precision–recall and ROC curves, micro-averaged",
            subtitle: corner < 1 ? "the corner that matters: the axes do not begin at 0" : "", names: names(comparison),
            panels: [
                .init(
                    title: "Precision–recall", x: .linear("Recall", (1 - corner)...1),
                    y: .linear("Precision", (1 - corner)...1), lines: precision),
                .init(
                    title: "ROC", x: .linear("False positive rate", 0...(corner < 1 ? corner / 5 : 1)),
                    y: .linear("True positive rate", (1 - corner)...1), lines: roc),
            ]
        ).svg
        return (svg, table.text)
    }

    /// Returns the accuracy under corruption; nil unless at least two runs have it.
    static func robustness(_ comparison: RunComparison) -> (svg: String, csv: String)? {
        let records = comparison.runs.map(\.robustness)
        guard records.compactMap({ $0 }).count >= 2 else { return nil }
        var table = CSV(header: ["run", "corruption", "strength", "count", "correct", "accuracy", "lower", "upper"])
        for (run, record) in records.enumerated() {
            for curve in record?.curves ?? [] {
                for level in curve.levels {
                    table.add(RunComparison.letter(run))
                    table.add(curve.corruption)
                    table.add(level.strength)
                    table.add(record?.count ?? 0)
                    table.add(level.correct)
                    table.add(level.accuracy)
                    table.add(level.interval.lower)
                    table.add(level.interval.upper)
                    table.endLine()
                }
            }
        }
        return (RobustnessFigure.svg(records, names: names(comparison)), table.text)
    }

    private static func names(_ comparison: RunComparison) -> [String] {
        comparison.runs.map { $0.folder.url.lastPathComponent }
    }
}
