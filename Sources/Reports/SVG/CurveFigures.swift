import Evaluation

/// `precision_recall.svg` and `roc.svg`: a curve per class and the micro-averaged one, with the area of each; and,
/// where all curves crowd into a corner, that corner enlarged.
///
/// Up to ten classes each have their colour. Of more, the eight of smallest area have, the others are grey.
public enum CurveFigures {
    static let legendLimit = 10
    static let worstCount = 8

    public static func precisionRecall(_ evaluation: EvaluationSummary) -> String {
        let curves = evaluation.precisionRecall
        let average = curves.averagePrecision
        func points(_ curve: PrecisionRecallCurve) -> [(x: Double, y: Double)] {
            (0..<curve.count).map { (curve[$0].recall, curve[$0].precision) }
        }
        return draw(
            title: "Precision–recall curves",
            subtitle: "\(samples(evaluation)) · average precision (AP): macro \(Text.fixed(average.macro, 4)), "
                + "weighted \(Text.fixed(average.weighted, 4))",
            figureName: "AP", xLabel: "Recall", yLabel: "Precision", cornerX: 1, shape: .steps, diagonal: false,
            classes: curves.perClass.enumerated().map { c, curve in
                Curve(
                    name: evaluation.predictions.classNames[c],
                    area: curve.positives == 0 ? nil : curve.averagePrecision, points: points(curve))
            },
            micro: Curve(name: "micro-average", area: average.micro, points: points(curves.micro)))
    }

    public static func roc(_ evaluation: EvaluationSummary) -> String {
        let curves = evaluation.roc
        func points(_ curve: ROCCurve) -> [(x: Double, y: Double)] {
            (0..<curve.count).compactMap { i in
                guard let x = curve[i].falsePositiveRate, let y = curve[i].truePositiveRate else { return nil }
                return (x, y)
            }
        }
        return draw(
            title: "ROC curves, one class against the rest",
            subtitle: "\(samples(evaluation)) · area under the curve (AUC): macro "
                + (curves.macroArea.map { Text.fixed($0, 4) } ?? "undefined, a class has no samples"),
            figureName: "AUC", xLabel: "False positive rate", yLabel: "True positive rate", cornerX: 0,
            shape: .straight, diagonal: true,
            classes: curves.perClass.enumerated().map { c, curve in
                Curve(name: evaluation.predictions.classNames[c], area: curve.area, points: points(curve))
            },
            micro: Curve(name: "micro-average", area: curves.micro.area, points: points(curves.micro)))
    }

    private static func samples(_ evaluation: EvaluationSummary) -> String {
        let n = evaluation.predictions.count
        return "\(Text.grouped(n)) sample\(n == 1 ? "" : "s")"
    }

    private struct Curve {
        var name: String
        /// Nil where the curve is undefined; it is then not drawn.
        var area: Double?
        var points: [(x: Double, y: Double)]
    }

    private struct Line {
        var curve: Curve
        var stroke: Stroke
    }

    /// `cornerX` is the x of the corner at y = 1 where a perfect classifier's curve turns.
    private static func draw(
        title: String, subtitle: String, figureName: String, xLabel: String, yLabel: String, cornerX: Double,
        shape: PolyLine.Shape, diagonal: Bool, classes: [Curve], micro: Curve
    ) -> String {
        let many = classes.count > legendLimit
        let drawn = classes.filter { $0.area != nil }
        let worst = drawn.enumerated().sorted { ($0.element.area ?? 0, $0.offset) < ($1.element.area ?? 0, $1.offset) }
        let named = many ? worst.prefix(worstCount).map(\.element) : classes
        let grey = many ? worst.dropFirst(worstCount).map(\.element) : []
        let lines = named.enumerated().map { Line(curve: $1, stroke: .series($0)) }
        let microLine = Line(curve: micro, stroke: Stroke(paint: .ink, width: 2.2, dashes: [1, 3]))

        let zoom = zoomExtent(worst.first?.element.area ?? 0)
        let plotLeft = 72.0
        let size = 400.0
        let gap = 84.0
        let legendLeft = plotLeft + size + (zoom == nil ? 0 : gap + size) + 28
        var picture = SVGDocument(width: legendLeft + 214, height: 530, title: title)
        picture.text(title, x: plotLeft - 52, y: 28, size: 17, bold: true)
        picture.text(subtitle, x: plotLeft - 52, y: 48, size: 12, paint: .muted)

        let full = PlotArea(
            left: plotLeft, top: 68, width: size, height: size, x: .linear(xLabel, 0...1), y: .linear(yLabel, 0...1))
        let all = grey.map { Line(curve: $0, stroke: Stroke(paint: .axis, width: 0.6)) } + lines + [microLine]
        drawPlot(full, all, shape, diagonal: diagonal, &picture)
        if let zoom {
            let x = cornerX == 0 ? 0...zoom : (1 - zoom)...1
            let detail = PlotArea(
                left: full.right + gap, top: full.top, width: size, height: size,
                x: .linear(xLabel + " (detail)", x), y: .linear(yLabel + " (detail)", (1 - zoom)...1))
            drawPlot(detail, all, shape, diagonal: diagonal, &picture)
            picture.rectangle(
                x: full.px(x.lowerBound), y: full.py(1), width: zoom * size, height: zoom * size,
                paint: .none, outline: Stroke(paint: .axis, dashes: [3, 2]))
        }
        legend(lines, microLine, others: grey.count, figureName, left: legendLeft, top: full.top + 8, &picture)
        return picture.text
    }

    /// How much of each axis the enlarged corner shows; nil where the whole plot shows enough. A curve that cuts
    /// the corner in a triangle of side s loses the area s²/2.
    private static func zoomExtent(_ worstArea: Double) -> Double? {
        let side = 1.2 * (2 * max(0, 1 - worstArea)).squareRoot()
        return [0.01, 0.02, 0.05, 0.1, 0.2, 0.4].first { $0 >= side }
    }

    private static func drawPlot(
        _ plot: PlotArea, _ lines: [Line], _ shape: PolyLine.Shape, diagonal: Bool, _ picture: inout SVGDocument
    ) {
        plot.drawFrame(&picture)
        plot.clipped(&picture) { picture in
            if diagonal {
                picture.line(
                    plot.px(0), plot.py(0), plot.px(1), plot.py(1), Stroke(paint: .axis, dashes: [4, 4]))
            }
            for line in lines where line.curve.area != nil {
                var path = PolyLine(shape)
                for point in line.curve.points { path.add(plot.px(point.x), plot.py(point.y)) }
                picture.path(path.pathData, line.stroke, tooltip: line.curve.name)
            }
        }
    }

    private static func legend(
        _ lines: [Line], _ micro: Line, others: Int, _ figureName: String, left: Double, top: Double,
        _ picture: inout SVGDocument
    ) {
        let right = left + 194
        let heading = others == 0 ? "Class" : "Lowest \(lines.count) classes"
        picture.text(heading, x: left, y: top, size: 12, bold: true)
        picture.text(figureName, x: right, y: top, size: 12, anchor: .end, bold: true)
        var y = top + 22
        for line in lines + [micro] {
            picture.line(left, y - 4, left + 28, y - 4, line.stroke)
            picture.text(Text.name(line.curve.name, limit: 14), x: left + 36, y: y, size: 12)
            picture.text(
                line.curve.area.map { Text.fixed($0, 4) } ?? "–", x: right, y: y, size: 12, anchor: .end,
                paint: .muted)
            y += 20
        }
        if others > 0 {
            picture.line(left, y - 4, left + 28, y - 4, Stroke(paint: .axis, width: 0.6))
            picture.text("\(others) other classes", x: left + 36, y: y, size: 12)
        }
    }
}
