import Evaluation
import Formats
import Plots

/// `class_scores.svg`: the F1 of each class as a bar with its 95 % interval, and the macro average as a line.
package enum ClassScoresFigure {
    package static func svg(_ evaluation: some ClassEvaluation) -> String { figure(evaluation).svg }

    package static func figure(_ evaluation: some ClassEvaluation) -> Figure {
        var panels = [panel(evaluation)]
        panels.append(
            Legend(entries: [
                .init(.box(.series(0)), "F1 of the class"),
                .init(.interval(Stroke(paint: .ink, width: 1.2)), "95 % interval"),
                .init(LineChart.verticalStroke, "macro average"),
            ]).panel())
        return Figure(
            title: "F1 by class",
            subtitle: "\(Text.samples(evaluation.imageCount)) · macro-averaged F1 \(Text.share(evaluation.f1.macro, 4))"
                + Text.interval(evaluation.macroF1Interval),
            panels: panels)
    }

    private static func panel(_ evaluation: some ClassEvaluation) -> SVGDocument {
        let classes = evaluation.perClass
        let names = classes.map { Text.name($0.name, limit: 16) }
        let pitch = classes.count <= 25 ? 22.0 : 17
        let left = 24 + (names.map { Figure.width(of: $0, size: 12) }.max() ?? 0)
        let height = pitch * Double(classes.count)
        var picture = SVGDocument(width: 400, height: height + 76, title: "F1 by class", paper: false)
        let lowest = classes.map { min($0.f1, $0.f1Interval?.lower ?? $0.f1) }.min() ?? 0
        let start = [0.99, 0.98, 0.95, 0.9, 0.8, 0.6, 0.4, 0.2].first { $0 < lowest } ?? 0
        var plot = PlotArea(
            left: left, top: 26, width: 400 - left - 60, height: height,
            x: .linear(start > 0 ? "F1 (the axis starts at \(start))" : "F1", start...1), y: .linear("", 0...1))
        plot.y.ticks = []
        plot.drawFrame(&picture)
        picture.text("F1", x: 392, y: 16, anchor: .end, bold: true)
        for (c, scores) in classes.enumerated() {
            let middle = plot.top + (Double(c) + 0.5) * pitch
            picture.text(names[c], x: left - 8, y: middle + 4, anchor: .end)
            let interval = scores.f1Interval
            picture.rectangle(
                x: left, y: middle - pitch * 0.34, width: max(0.5, plot.px(max(scores.f1, start)) - left),
                height: pitch * 0.68, paint: .series(0),
                tooltip: "\(scores.name): F1 \(Text.share(scores.f1, 4))\(Text.interval(interval)), "
                    + Text.samples(scores.support))
            if let interval {
                let stroke = Stroke(paint: .ink, width: 1.2)
                picture.line(plot.px(interval.lower), middle, plot.px(interval.upper), middle, stroke)
                for end in [interval.lower, interval.upper] {
                    picture.line(plot.px(end), middle - 4, plot.px(end), middle + 4, stroke)
                }
            }
            picture.text(
                interval == nil ? "–" : Text.share(scores.f1, 4), x: 392, y: middle + 4, anchor: .end, paint: .muted)
        }
        let average = evaluation.f1.macro
        if average >= start {
            picture.line(plot.px(average), plot.top, plot.px(average), plot.bottom, LineChart.verticalStroke)
        }
        return picture
    }
}

/// `class_scores.csv`: precision, recall and F1 of each class with their 95 % intervals, average precision and the area
/// under the ROC curve. Undefined values and intervals are empty.
package enum ClassScoresTable {
    package static func csv(_ evaluation: some ClassEvaluation) -> String {
        let names = ["precision", "recall", "f1"]
        var table = CSV(
            header: ["class", "support"] + names.flatMap { [$0, $0 + "Lower", $0 + "Upper"] }
                + ["averagePrecision", "rocAuc"])
        for (c, scores) in evaluation.perClass.enumerated() {
            table.add(scores.name)
            table.add(scores.support)
            for (value, interval) in [
                (scores.precision, scores.precisionInterval), (scores.recall, scores.recallInterval),
                (scores.f1, scores.f1Interval),
            ] {
                table.add(value)
                table.add(interval?.lower)
                table.add(interval?.upper)
            }
            table.add(evaluation.precisionRecall.perClass[c].averagePrecision)
            table.add(evaluation.roc.perClass[c].area)
            table.endLine()
        }
        return table.text
    }
}

extension Text {
    /// Formats an interval as ` (95 % interval 0.9901 to 0.9933)`, with a leading blank; empty for nil.
    static func interval(_ interval: ConfidenceInterval?, _ decimals: Int = 4) -> String {
        interval.map {
            " (\(fixed(100 * $0.level, 0)) % interval \(fixed($0.lower, decimals)) to \(share($0.upper, decimals)))"
        } ?? ""
    }
}
