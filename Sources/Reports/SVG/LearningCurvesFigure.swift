import Training

/// `learning_curves.svg`: loss and accuracy by epoch, of training and validation, the epoch whose weights were kept
/// marked.
public enum LearningCurvesFigure {
    private struct Line {
        var stroke: Stroke
        /// By epoch; nil and non-finite values leave a gap.
        var values: [Double?]
    }

    public static func svg(_ history: TrainingHistory) -> String {
        let title = "Learning curves"
        var picture = SVGDocument(width: 980, height: 430, title: title)
        picture.text(title, x: 20, y: 28, size: 17, bold: true)
        let count = history.epochs.count
        picture.text(subtitle(history), x: 20, y: 48, paint: .muted)

        let validated = history.epochs.contains { $0.validationLoss != nil || $0.validationAccuracy != nil }
        let (training, validation) = (Stroke.series(0), Stroke.series(1))
        legend(training, validated ? validation : nil, kept: history.bestEpoch > 0, &picture)

        let first = Double(history.epochs.first?.epoch ?? 1)
        let last = Double(history.epochs.last?.epoch ?? 1)
        let epochs = PlotAxis.linear(
            "Epoch", count <= 1 ? (first - 0.5)...(first + 0.5) : first...last, ticks: 8, integers: true)
        let losses = [
            Line(stroke: training, values: history.epochs.map(\.trainingLoss)),
            Line(stroke: validation, values: history.epochs.map(\.validationLoss)),
        ]
        let accuracies = [
            Line(stroke: training, values: history.epochs.map(\.trainingAccuracy)),
            Line(stroke: validation, values: history.epochs.map(\.validationAccuracy)),
        ]
        let loss = PlotArea(left: 76, top: 96, width: 390, height: 270, x: epochs, y: lossAxis(losses))
        let accuracy = PlotArea(
            left: 560, top: 96, width: 390, height: 270, x: epochs,
            y: .around("Accuracy", finite(accuracies), within: 0...1, percent: true))
        draw(losses, loss, history, &picture)
        draw(accuracies, accuracy, history, &picture)
        return picture.text
    }

    private static func subtitle(_ history: TrainingHistory) -> String {
        let count = history.epochs.count
        if count == 0 { return "no epoch finished" }
        var text = "\(count) epoch\(count == 1 ? "" : "s")"
        if history.stoppedEarly { text += ", stopped early" }
        if history.bestEpoch > 0 { text += "; the weights of epoch \(history.bestEpoch) were kept" }
        return text
    }

    private static func finite(_ lines: [Line]) -> [Double] {
        lines.flatMap(\.values).compactMap { $0 }.filter(\.isFinite)
    }

    /// Logarithmic where the loss falls by more than a factor of 20.
    private static func lossAxis(_ lines: [Line]) -> PlotAxis {
        let values = finite(lines)
        if let low = values.min(), let high = values.max(), low > 0, high / low > 20 {
            return .decades("Loss (cross-entropy, nats; logarithmic)", values)
        }
        return .around("Loss (cross-entropy, nats)", values, within: 0...max(1, 1.1 * (values.max() ?? 1)))
    }

    private static func draw(
        _ lines: [Line], _ plot: PlotArea, _ history: TrainingHistory, _ picture: inout SVGDocument
    ) {
        plot.drawFrame(&picture)
        if history.bestEpoch > 0 {
            let x = plot.px(Double(history.bestEpoch))
            picture.line(x, plot.top, x, plot.bottom, Stroke(paint: .axis, width: 1.2, dashes: [4, 3]))
        }
        plot.clipped(&picture) { picture in
            for line in lines {
                for run in runs(line.values) {
                    var path = PolyLine(.straight)
                    for i in run {
                        path.add(plot.px(Double(history.epochs[i].epoch)), plot.py(line.values[i] ?? 0))
                    }
                    if run.count > 1 { picture.path(path.pathData, line.stroke) }
                }
            }
        }
        // Few points are each marked; of many only the kept epoch's.
        for line in lines {
            for (record, value) in zip(history.epochs, line.values) {
                guard let value, value.isFinite else { continue }
                let kept = record.epoch == history.bestEpoch
                guard kept || history.epochs.count <= 15 else { continue }
                picture.circle(
                    plot.px(Double(record.epoch)), plot.py(value), radius: kept ? 4.5 : 2.5,
                    paint: line.stroke.paint, tooltip: "epoch \(record.epoch): \(Text.fixed(value, 4))")
            }
        }
    }

    /// Stretches of neighbouring finite values.
    private static func runs(_ values: [Double?]) -> [Range<Int>] {
        var result: [Range<Int>] = []
        for (i, value) in values.enumerated() where value?.isFinite == true {
            if let last = result.last, last.upperBound == i {
                result[result.count - 1] = last.lowerBound..<(i + 1)
            } else {
                result.append(i..<(i + 1))
            }
        }
        return result
    }

    private static func legend(
        _ training: Stroke, _ validation: Stroke?, kept: Bool, _ picture: inout SVGDocument
    ) {
        var x = 76.0
        let y = 76.0
        func entry(_ stroke: Stroke, _ label: String, _ picture: inout SVGDocument) {
            picture.line(x, y - 4, x + 28, y - 4, stroke)
            picture.text(label, x: x + 35, y: y)
            x += 35 + Double(label.count) * 7.5 + 26
        }
        entry(training, "training (in training mode)", &picture)
        if let validation { entry(validation, "validation", &picture) }
        if kept { entry(Stroke(paint: .axis, width: 1.2, dashes: [4, 3]), "epoch kept", &picture) }
    }
}
