import Formats
import Plots
import Training

/// `learning_curves.svg`: training and validation loss and accuracy, and the learning rate, by epoch, with the epoch
/// whose weights were kept marked. The numbers are in `history.csv`.
package enum LearningCurvesFigure {
    package static func svg(_ history: TrainingHistory) -> String { figure(history).svg }

    package static func figure(_ history: TrainingHistory) -> Figure {
        let epochs = history.epochs
        let (training, validation) = (Stroke.series(0), Stroke.series(1))
        let validated = epochs.contains { $0.validationLoss != nil || $0.validationAccuracy != nil }
        func lines(_ trained: [Double], _ validated: [Double?]) -> [LineChart.Line] {
            [
                line("training", training, trained, history),
                line("validation", validation, validated.map { $0 ?? .nan }, history),
            ].filter { line in line.points.contains { $0.y.isFinite } }
        }
        let losses = lines(epochs.map(\.trainingLoss), epochs.map(\.validationLoss))
        let accuracies = lines(epochs.map(\.trainingAccuracy), epochs.map(\.validationAccuracy))
        let rate = line("learning rate", Stroke.series(2), epochs.map(\.learningRate), history, scientific: true)
        let x = axis(history)
        let verticals = history.bestEpoch > 0 ? [Double(history.bestEpoch)] : []
        var entries = [Legend.Entry(training, "training (in training mode)")]
        if validated { entries.append(Legend.Entry(validation, "validation")) }
        entries.append(Legend.Entry(Stroke.series(2), "learning rate, last step"))
        if !verticals.isEmpty { entries.append(Legend.Entry(LineChart.verticalStroke, "epoch kept")) }
        let charts = [
            LineChart(title: "Loss", x: x, y: lossAxis(losses), lines: losses, verticals: verticals),
            LineChart(
                title: "Accuracy", x: x, y: .around("Accuracy", finite(accuracies), within: 0...1, percent: true),
                lines: accuracies, verticals: verticals),
            LineChart(
                title: "Learning rate", x: x, y: rateAxis([rate]), lines: [rate], verticals: verticals),
        ]
        return Figure(
            title: "Learning curves", subtitle: subtitle(history),
            panels: charts.map { $0.panel(width: 372, height: 300) } + [Legend(entries: entries).panel(width: 250)])
    }

    private static func subtitle(_ history: TrainingHistory) -> String {
        let count = history.epochs.count
        if count == 0 { return "no epoch finished" }
        var text = "\(count) epoch\(count == 1 ? "" : "s")"
        if history.stoppedEarly { text += ", stopped early" }
        if history.bestEpoch > 0 { text += "; the weights of epoch \(history.bestEpoch) were kept" }
        return text
    }

    private static func axis(_ history: TrainingHistory) -> PlotAxis {
        let first = Double(history.epochs.first?.epoch ?? 1)
        let last = Double(history.epochs.last?.epoch ?? 1)
        return .linear(
            "Epoch", last == first ? (first - 0.5)...(first + 0.5) : first...last, ticks: 6, integers: true)
    }

    /// Returns the line of a metric by epoch. If there are few points, each has a dot; otherwise only the kept epoch
    /// has one.
    private static func line(
        _ name: String, _ stroke: Stroke, _ values: [Double], _ history: TrainingHistory, scientific: Bool = false
    ) -> LineChart.Line {
        let epochs = history.epochs.map(\.epoch)
        var line = LineChart.Line(name: name, stroke: stroke, points: zip(epochs, values).map { (Double($0), $1) })
        for (i, epoch) in epochs.enumerated() {
            let kept = epoch == history.bestEpoch
            guard kept || epochs.count <= 15 else { continue }
            let value = scientific ? "\(values[i])" : Text.fixed(values[i], 4)
            line.dots.append((i, kept ? 4.5 : 2.5, "epoch \(epoch), \(name): \(value)"))
        }
        return line
    }

    private static func finite(_ lines: [LineChart.Line]) -> [Double] {
        lines.flatMap { $0.points.map(\.y) }.filter(\.isFinite)
    }

    /// Returns a loss axis, logarithmic if the values span more than a factor of 20.
    private static func lossAxis(_ lines: [LineChart.Line]) -> PlotAxis {
        let values = finite(lines)
        if let low = values.min(), let high = values.max(), low > 0, high / low > 20 {
            return .decades("Loss (logarithmic)", values)
        }
        return .around("Loss", values, within: 0...max(1, 1.1 * (values.max() ?? 1)))
    }

    /// Returns an axis for learning rates from zero, since schedules fall to it.
    private static func rateAxis(_ lines: [LineChart.Line]) -> PlotAxis {
        let most = finite(lines).max() ?? 0
        return .around("Learning rate", [0, most > 0 ? most : 1], within: 0...(most > 0 ? 2 * most : 1))
    }
}
