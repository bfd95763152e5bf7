import Formats
import Foundation
import Plots
import Training

/// `lr_find.svg`: the loss of a learning rate range test over the rising rate, by batch and smoothed, with the
/// suggested rates.
package enum LearningRateFigure {
    package static func svg(_ test: LearningRateTest, name: String) -> String {
        let smoothed = test.points.map { ($0.learningRate, $0.smoothedLoss) }
        // Losses far above the first one show nothing and would flatten the rest.
        let top = 1.6 * (test.points.first?.smoothedLoss ?? 1)
        let shown = test.points.map { min($0.smoothedLoss, top) }
        let batches = Stroke(paint: .grid, width: 1), mean = Stroke.series(0)
        let suggestions: [(rate: Double?, stroke: Stroke, name: String)] = [
            (test.steepest, Stroke(paint: .series(1), width: 1.6, dashes: [6, 3]), "steepest fall"),
            (test.tenthOfMinimum, Stroke(paint: .series(2), width: 1.6, dashes: [2, 3]), "a tenth of the minimum's"),
        ]
        let y = PlotAxis.around("Loss", [0] + shown, within: 0...max(top, 1e-9))
        var lines = [
            LineChart.Line(name: "a batch", stroke: batches, points: test.points.map { ($0.learningRate, $0.loss) }),
            LineChart.Line(name: "smoothed", stroke: mean, points: smoothed),
        ]
        for case (let rate?, let stroke, let name) in suggestions {
            lines.append(
                LineChart.Line(
                    name: "\(name): \(LearningRateText.rate(rate))", stroke: stroke,
                    points: [(rate, y.range.lowerBound), (rate, y.range.upperBound)]))
        }
        let chart = LineChart(
            title: "Loss before each step", x: .decades("Learning rate", test.points.map(\.learningRate)), y: y,
            lines: lines)
        let entries =
            [Legend.Entry(batches, "a batch"), Legend.Entry(mean, "smoothed")]
            + suggestions.compactMap { suggestion in
                suggestion.rate.map {
                    Legend.Entry(suggestion.stroke, suggestion.name, figure: LearningRateText.rate($0))
                }
            }
        let end = test.diverged ? "ended where the loss rose beyond bounds" : "to the last rate"
        return Figure(
            title: "Learning-rate range test: \(name)", subtitle: "\(test.points.count) steps, \(end)",
            panels: [chart.panel(width: 620, height: 400), Legend(entries: entries).panel(width: 290)]
        ).svg
    }
}

/// A learning rate range test as text and CSV.
package enum LearningRateText {
    /// Formats a rate with three digits, `3.16e-3`, as configurations accept it.
    package static func rate(_ value: Double) -> String {
        let text = String(format: "%.2e", value)
        let parts = text.split(separator: "e")
        guard parts.count == 2, let exponent = Int(parts[1]) else { return text }
        return "\(parts[0])e\(exponent)"
    }

    /// `step,learning_rate,loss,smoothed_loss`.
    package static func csv(_ test: LearningRateTest) -> String {
        var csv = CSV(header: ["step", "learning_rate", "loss", "smoothed_loss"])
        for (index, point) in test.points.enumerated() {
            csv.add(index + 1)
            csv.add(point.learningRate)
            csv.add(point.loss)
            csv.add(point.smoothedLoss)
            csv.endLine()
        }
        return csv.text
    }

    /// Returns a curve of bars, `columns` wide, with its rates below, and the suggestions.
    package static func summary(_ test: LearningRateTest, columns: Int = 60, unicode: Bool = true) -> String {
        guard let first = test.points.first, let last = test.points.last else { return "no step was taken" }
        let bars = Array(unicode ? "▁▂▃▄▅▆▇█" : "_.-=+*#@")
        let count = min(columns, test.points.count)
        let values = (0..<count).map { test.points[$0 * test.points.count / count].smoothedLoss }
        let low = values.min() ?? 0, high = min(values.max() ?? 1, 1.5 * first.smoothedLoss)
        let curve = values.map { value in
            // Clamped before it is an integer: a diverged loss has any size.
            let share = min(max((value - low) / max(high - low, 1e-12), 0), 1)
            return bars[min(bars.count - 1, Int(share * Double(bars.count)))]
        }
        let (left, right) = (rate(first.learningRate), rate(last.learningRate))
        var lines = [
            "Smoothed loss, \(Text.fixed(low, 3)) to \(Text.fixed(high, 3)), over the learning rate", String(curve),
            left + String(repeating: " ", count: max(1, count - left.count - right.count)) + right, "",
        ]
        lines.append(
            "Steepest fall            " + (test.steepest.map(rate) ?? "none: the loss does not fall in this range"))
        lines.append("A tenth of the minimum's " + (test.tenthOfMinimum.map(rate) ?? "none"))
        return lines.joined(separator: "\n")
    }
}
