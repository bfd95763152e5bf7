import Evaluation
import Formats
import Plots

/// `precision_recall.svg` and `roc.svg`: a curve per class and the micro- and macro-averaged curves, with the area
/// under each; if all curves crowd into a corner, that corner is enlarged.
///
/// Up to ten classes have a colour each. Of more, the eight of smallest area do, and the others are grey.
package enum CurveFigures {
    static let legendLimit = 10
    static let worstCount = 8

    package static func precisionRecall(_ evaluation: some ClassEvaluation) -> String {
        precisionRecallFigure(evaluation).svg
    }

    package static func roc(_ evaluation: some ClassEvaluation) -> String { rocFigure(evaluation).svg }

    package static func precisionRecallFigure(_ evaluation: some ClassEvaluation) -> Figure {
        let curves = evaluation.precisionRecall
        let average = curves.averagePrecision
        func points(_ curve: PrecisionRecallCurve) -> [(x: Double, y: Double)] {
            (0..<curve.count).map { (curve[$0].recall, curve[$0].precision) }
        }
        return draw(
            title: "Precision–recall curves",
            subtitle: "\(Text.samples(evaluation.imageCount)) · average precision (AP): "
                + "macro \(Text.share(average.macro, 4)), weighted \(Text.share(average.weighted, 4))",
            figureName: "AP", xLabel: "Recall", yLabel: "Precision", cornerX: 1, shape: .steps, diagonal: false,
            classes: curves.perClass.enumerated().map { c, curve in
                Curve(
                    name: evaluation.names[c],
                    area: curve.positives == 0 ? nil : curve.averagePrecision, points: points(curve))
            },
            micro: Curve(name: "micro-average", area: average.micro, points: points(curves.micro)),
            macro: Curve(
                name: "macro-average", area: average.macro,
                points: curves.macro.map { ($0.recall, $0.precision) }))
    }

    package static func rocFigure(_ evaluation: some ClassEvaluation) -> Figure {
        let curves = evaluation.roc
        func points(_ curve: ROCCurve) -> [(x: Double, y: Double)] {
            (0..<curve.count).compactMap { i in
                guard let x = curve[i].falsePositiveRate, let y = curve[i].truePositiveRate else { return nil }
                return (x, y)
            }
        }
        return draw(
            title: "ROC curves, one class against the rest",
            subtitle: "\(Text.samples(evaluation.imageCount)) · area under the curve (AUC): macro "
                + (curves.macroArea.map { Text.share($0, 4) } ?? "undefined, a class has no samples or all of them"),
            figureName: "AUC", xLabel: "False positive rate", yLabel: "True positive rate", cornerX: 0,
            shape: .straight, diagonal: true,
            classes: curves.perClass.enumerated().map { c, curve in
                Curve(name: evaluation.names[c], area: curve.area, points: points(curve))
            },
            micro: Curve(name: "micro-average", area: curves.micro.area, points: points(curves.micro)),
            macro: Curve(
                name: "macro-average", area: curves.macroArea,
                points: curves.macro.map { ($0.falsePositiveRate, $0.truePositiveRate) }))
    }

    private struct Curve {
        var name: String
        /// Nil if the curve is undefined; it is then not drawn.
        var area: Double?
        var points: [(x: Double, y: Double)]
    }

    /// Draws the curves. `cornerX` is the x of the corner at y = 1 where a perfect classifier's curve turns.
    private static func draw(
        title: String, subtitle: String, figureName: String, xLabel: String, yLabel: String, cornerX: Double,
        shape: PolyLine.Shape, diagonal: Bool, classes: [Curve], micro: Curve, macro: Curve
    ) -> Figure {
        let many = classes.count > legendLimit
        let drawn = classes.filter { $0.area != nil }
        let worst = drawn.enumerated().sorted { ($0.element.area ?? 0, $0.offset) < ($1.element.area ?? 0, $1.offset) }
            .map(\.element)
        let named =
            zip(many ? Array(worst.prefix(worstCount)) : classes, 0...).map { ($0, Stroke.series($1)) } + [
                (micro, Stroke(paint: .ink, width: 2.2, dashes: [1, 3])),
                (macro, Stroke(paint: .ink, width: 1.6, dashes: [8, 3])),
            ]
        let greyStroke = Stroke(paint: .axis, width: 0.6)
        let grey = many ? worst.dropFirst(worstCount).map { ($0, greyStroke) } : []
        let lines = (grey + named).filter { $0.0.area != nil }.map { curve, stroke in
            LineChart.Line(name: curve.name, stroke: stroke, points: curve.points, shape: shape)
        }
        var entries = named.map { curve, stroke in
            Legend.Entry(stroke, curve.name, figure: curve.area.map { Text.share($0, 4) } ?? "–")
        }
        if !grey.isEmpty { entries.append(Legend.Entry(greyStroke, "\(grey.count) other classes")) }

        var full = LineChart(
            title: "All of it", x: .linear(xLabel, 0...1), y: .linear(yLabel, 0...1), lines: lines, diagonal: diagonal)
        var panels: [SVGDocument] = []
        if let zoom = zoomExtent(worst.first?.area ?? 0) {
            let x = cornerX == 0 ? 0...zoom : (1 - zoom)...1
            full.frame = (x, (1 - zoom)...1)
            let detail = LineChart(
                title: "The framed corner", x: .linear(xLabel, x), y: .linear(yLabel, (1 - zoom)...1), lines: lines)
            panels = [detail.panel(height: 398)]
        }
        let legend = Legend(
            heading: grey.isEmpty ? "Class" : "Lowest \(named.count - 2) classes", figureName: figureName,
            entries: entries)
        return Figure(
            title: title, subtitle: subtitle, panels: [full.panel(height: 398)] + panels + [legend.panel()])
    }

    /// Returns how much of each axis the enlarged corner shows; nil if the whole plot shows enough. A curve that cuts
    /// off a triangle of side s at the corner loses the area s²/2.
    private static func zoomExtent(_ worstArea: Double) -> Double? {
        let side = 1.2 * (2 * max(0, 1 - worstArea)).squareRoot()
        return [0.01, 0.02, 0.05, 0.1, 0.2, 0.4].first { $0 >= side }
    }
}
