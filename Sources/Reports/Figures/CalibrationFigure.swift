import Evaluation
import Formats
import Foundation
import Plots

/// `calibration.svg`: accuracy against confidence in bins, with 95 % intervals, and the number of samples in each bin.
///
/// On the diagonal, a confidence equals the chance of being right; below it, the model is overconfident.
package enum CalibrationFigure {
    package static func svg(_ evaluation: EvaluationSummary) -> String { figure(evaluation).svg }

    package static func figure(_ evaluation: EvaluationSummary) -> Figure {
        let calibration = evaluation.calibration
        let (accuracyStroke, gapStroke) = (Stroke.series(0), Stroke(paint: .series(1), width: 2.5))
        let legend = Legend(entries: [
            .init(.box(accuracyStroke.paint), "accuracy of the bin"), .init(gapStroke, "mean confidence"),
            .init(.interval(Stroke(paint: .ink, width: 1.2)), "95 % interval"),
            .init(Stroke(paint: .ink, dashes: [4, 4]), "confidence = accuracy"),
        ])
        return Figure(
            title: "Reliability diagram",
            subtitle: "\(Text.samples(evaluation.predictions.count)) · expected calibration error "
                + "\(Text.fixed(calibration.expectedError, 4)) in \(calibration.bins.count) bins",
            panels: [
                reliability(calibration, accuracyStroke.paint, gapStroke), counts(calibration, accuracyStroke.paint),
                legend.panel(),
            ])
    }

    private static func reliability(
        _ calibration: Calibration, _ paint: Paint, _ gapStroke: Stroke
    ) -> SVGDocument {
        var picture = SVGDocument(width: 400, height: 398, title: "Accuracy by confidence", paper: false)
        picture.text("Accuracy by confidence", x: 64, y: 16, size: 13, bold: true)
        let plot = PlotArea(
            left: 64, top: 30, width: 318, height: 322, x: .linear("Confidence", 0...1), y: .linear("Accuracy", 0...1))
        plot.drawFrame(&picture)
        for bin in calibration.bins {
            guard let accuracy = bin.accuracy, let confidence = bin.confidence else { continue }
            let (left, right) = (plot.px(bin.lower) + 1, plot.px(bin.upper) - 1)
            picture.rectangle(
                x: left, y: plot.py(accuracy), width: right - left, height: plot.bottom - plot.py(accuracy),
                paint: paint,
                tooltip: "confidence \(Text.fixed(confidence, 4)), accuracy \(Text.fixed(accuracy, 4)), "
                    + "\(Text.samples(bin.count))")
            picture.line(left, plot.py(confidence), right, plot.py(confidence), gapStroke)
            drawInterval(bin, accuracy, plot, &picture)
        }
        picture.line(plot.px(0), plot.py(0), plot.px(1), plot.py(1), Stroke(paint: .ink, dashes: [4, 4]))
        return picture
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

    /// Draws the samples per bin on a logarithmic axis that starts below one, so that a single sample is visible.
    private static func counts(_ calibration: Calibration, _ paint: Paint) -> SVGDocument {
        let most = calibration.bins.map(\.count).max() ?? 1
        var axis = PlotAxis.decades("Samples (logarithmic)", [1, Double(max(most, 10))])
        axis.range = 0.5...axis.range.upperBound
        var picture = SVGDocument(width: 400, height: 398, title: "Samples by confidence", paper: false)
        picture.text("Samples by confidence", x: 64, y: 16, size: 13, bold: true)
        let plot = PlotArea(left: 64, top: 30, width: 318, height: 322, x: .linear("Confidence", 0...1), y: axis)
        plot.drawFrame(&picture)
        for bin in calibration.bins where bin.count > 0 {
            let (left, right) = (plot.px(bin.lower) + 1, plot.px(bin.upper) - 1)
            let y = plot.py(Double(bin.count))
            picture.rectangle(
                x: left, y: y, width: right - left, height: plot.bottom - y, paint: paint,
                tooltip: Text.samples(bin.count))
        }
        return picture
    }
}
