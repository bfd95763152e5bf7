import Evaluation
import Foundation

/// `calibration.svg`: accuracy against confidence in bins, with 95 % intervals, and how many samples fall in each.
///
/// On the diagonal a confidence can be read as the chance of being right; below it the model claims too much.
public enum CalibrationFigure {
    public static func svg(_ evaluation: EvaluationSummary) -> String {
        let calibration = evaluation.calibration
        let title = "Reliability diagram"
        let (accuracyStroke, gapStroke) = (Stroke.series(0), Stroke(paint: .series(1), width: 2.5))
        var picture = SVGDocument(width: 720, height: 640, title: title)
        picture.text(title, x: 20, y: 28, size: 17, bold: true)
        picture.text(
            "\(Text.grouped(evaluation.predictions.count)) samples · expected calibration error "
                + "\(Text.fixed(calibration.expectedError, 4)) in \(calibration.bins.count) bins",
            x: 20, y: 48, paint: .muted)
        let plot = PlotArea(
            left: 82, top: 68, width: 400, height: 400, x: .linear("", 0...1), y: .linear("Accuracy", 0...1))
        plot.drawFrame(&picture)
        for bin in calibration.bins {
            guard let accuracy = bin.accuracy, let confidence = bin.confidence else { continue }
            let (left, right) = (plot.px(bin.lower) + 1, plot.px(bin.upper) - 1)
            picture.rectangle(
                x: left, y: plot.py(accuracy), width: right - left, height: plot.bottom - plot.py(accuracy),
                paint: accuracyStroke.paint,
                tooltip: "confidence \(Text.fixed(confidence, 4)), accuracy \(Text.fixed(accuracy, 4)), "
                    + "\(Text.grouped(bin.count)) samples")
            picture.line(left, plot.py(confidence), right, plot.py(confidence), gapStroke)
            drawInterval(bin, accuracy, plot, &picture)
        }
        picture.line(plot.px(0), plot.py(0), plot.px(1), plot.py(1), Stroke(paint: .ink, dashes: [4, 4]))
        drawCounts(calibration, accuracyStroke.paint, below: plot, &picture)
        drawLegend(accuracyStroke.paint, gapStroke, left: plot.right + 26, top: plot.top + 10, &picture)
        return picture.text
    }

    private static func drawInterval(
        _ bin: CalibrationBin, _ accuracy: Double, _ plot: PlotArea, _ picture: inout SVGDocument
    ) {
        let interval = ConfidenceInterval.wilson(
            successes: Int((accuracy * Double(bin.count)).rounded()), count: bin.count)
        let x = plot.px((bin.lower + bin.upper) / 2)
        let stroke = Stroke(paint: .ink, width: 1.2)
        picture.line(x, plot.py(interval.lower), x, plot.py(interval.upper), stroke)
        for end in [interval.lower, interval.upper] {
            picture.line(x - 4, plot.py(end), x + 4, plot.py(end), stroke)
        }
    }

    /// Samples per bin on a logarithmic axis from below one, so that a single sample shows.
    private static func drawCounts(
        _ calibration: Calibration, _ paint: Paint, below plot: PlotArea, _ picture: inout SVGDocument
    ) {
        let most = calibration.bins.map(\.count).max() ?? 1
        var axis = PlotAxis.decades("Samples", [1, Double(max(most, 10))])
        axis.range = 0.5...axis.range.upperBound
        // Six labels at most in this height.
        let stride = max(1, (axis.ticks.count + 3) / 4)
        axis.ticks = axis.ticks.enumerated().filter { $0.offset % stride == 0 }.map(\.element)
        let counts = PlotArea(
            left: plot.left, top: plot.bottom + 34, width: plot.width, height: 88, x: .linear("Confidence", 0...1),
            y: axis)
        counts.drawFrame(&picture)
        for bin in calibration.bins where bin.count > 0 {
            let (left, right) = (counts.px(bin.lower) + 1, counts.px(bin.upper) - 1)
            let y = counts.py(Double(bin.count))
            picture.rectangle(
                x: left, y: y, width: right - left, height: counts.bottom - y, paint: paint,
                tooltip: "\(Text.grouped(bin.count)) samples")
        }
    }

    private static func drawLegend(
        _ bar: Paint, _ gap: Stroke, left: Double, top: Double, _ picture: inout SVGDocument
    ) {
        picture.rectangle(x: left, y: top - 9, width: 26, height: 10, paint: bar)
        picture.text("accuracy of the bin", x: left + 36, y: top)
        picture.line(left, top + 18, left + 26, top + 18, gap)
        picture.text("mean confidence", x: left + 36, y: top + 22)
        picture.line(left, top + 40, left + 26, top + 40, Stroke(paint: .ink, width: 1.2))
        picture.line(left, top + 36, left, top + 44, Stroke(paint: .ink, width: 1.2))
        picture.line(left + 26, top + 36, left + 26, top + 44, Stroke(paint: .ink, width: 1.2))
        picture.text("95 % interval", x: left + 36, y: top + 44)
        picture.line(left, top + 62, left + 26, top + 62, Stroke(paint: .ink, dashes: [4, 4]))
        picture.text("confidence = accuracy", x: left + 36, y: top + 66)
    }
}
