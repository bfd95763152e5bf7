import Evaluation
import Formats
import Plots

/// `confusion_matrix.svg`: rows are true classes, columns predicted ones; one panel shows counts, the other shares of
/// the true class (rows sum to 100 %). The colour is the share in both.
///
/// The colour scale is a square root, so that one error in a hundred is visible beside ninety-nine hits.
package enum ConfusionMatrixFigure {
    /// The content of the cells.
    private enum Content { case counts, shares }

    package static func svg(_ evaluation: EvaluationSummary) -> String { figure(evaluation).svg }

    package static func figure(_ evaluation: EvaluationSummary) -> Figure {
        let matrix = evaluation.confusionMatrix
        let interval = evaluation.accuracyInterval
        return Figure(
            title: "Confusion matrix",
            subtitle: "\(Text.samples(matrix.total)) · accuracy \(Text.percent(evaluation.report.accuracy)) "
                + "(95 % interval \(Text.hundredths(interval.lower)) to \(Text.hundredths(interval.upper)))",
            panels: [panel(matrix, .counts), panel(matrix, .shares)])
    }

    private static func panel(_ matrix: ConfusionMatrix, _ content: Content) -> SVGDocument {
        let k = matrix.classCount
        let cell = k <= 6 ? 50.0 : k <= 12 ? 34 : k <= 25 ? 30 : 15
        let labelSize = k <= 25 ? 12.0 : 11
        let names = matrix.classNames.map { Text.name($0, limit: 16) }
        // A generous estimate of the widest label's width in a sans-serif typeface.
        let labelWidth = Double(names.map(Text.columns).max() ?? 1) * labelSize * 0.66
        let upright = labelWidth <= cell - 4
        let side = cell * Double(k)
        let left = 26 + labelWidth + 12
        let top = 32.0
        let below = upright ? labelSize + 10 : labelWidth + 14
        let barTop = top + side + below + 34
        let title = content == .counts ? "Counts" : "Per cent of the true class"
        var picture = SVGDocument(
            width: max(left + side + 12, 300), height: barTop + 50, title: "Confusion matrix: \(title)", paper: false)
        picture.text(title, x: left, y: 16, size: 13, bold: true)
        picture.rectangle(x: left, y: top, width: side, height: side, paint: SequentialColour.paint(0))
        drawCells(matrix, content, left: left, top: top, cell: cell, &picture)
        drawGrid(k, left: left, top: top, cell: cell, &picture)
        for (i, name) in names.enumerated() {
            let middle = (Double(i) + 0.5) * cell
            picture.text(
                name, x: left - 7, y: top + middle + labelSize * 0.36, size: labelSize, anchor: .end, paint: .muted)
            if upright {
                picture.text(
                    name, x: left + middle, y: top + side + labelSize + 5, size: labelSize, anchor: .middle,
                    paint: .muted)
            } else {
                picture.text(
                    name, x: left + middle + labelSize * 0.36, y: top + side + 7, size: labelSize, anchor: .end,
                    paint: .muted, rotation: -90)
            }
        }
        picture.text("True class", x: 16, y: top + side / 2, size: 13, anchor: .middle, rotation: -90)
        picture.text(
            "Predicted class", x: left + side / 2, y: top + side + below + 14, size: 13, anchor: .middle)
        drawColourBar(left: left, top: barTop, width: min(max(side, 220), 380), &picture)
        return picture
    }

    private static func drawCells(
        _ matrix: ConfusionMatrix, _ content: Content, left: Double, top: Double, cell: Double,
        _ picture: inout SVGDocument
    ) {
        for (i, row) in matrix.counts.enumerated() {
            let support = row.reduce(0, +)
            for (j, count) in row.enumerated() where count > 0 {
                let share = Double(count) / Double(support)
                let tone = share.squareRoot()
                let (x, y) = (left + Double(j) * cell, top + Double(i) * cell)
                picture.rectangle(
                    x: x, y: y, width: cell, height: cell, paint: SequentialColour.paint(tone),
                    tooltip: "true \(matrix.classNames[i]), predicted \(matrix.classNames[j]): "
                        + "\(Text.grouped(count)) (\(Text.percent(share)))")
                let figure =
                    switch content {
                    case .counts: String(count)
                    case .shares: share == 1 ? "100" : Text.hundredths(share, 1)
                    }
                let size = min(13, (cell - 4) / (0.62 * Double(figure.count)))
                if size >= 8 {
                    picture.text(
                        figure, x: x + cell / 2, y: y + cell / 2 + size * 0.36, size: size, anchor: .middle,
                        paint: SequentialColour.text(on: tone))
                }
            }
        }
    }

    private static func drawGrid(
        _ k: Int, left: Double, top: Double, cell: Double, _ picture: inout SVGDocument
    ) {
        let side = Double(k) * cell
        let line = Stroke(paint: .rgb(red: 198, green: 210, blue: 222), width: k <= 25 ? 1 : 0.4)
        for i in 0...k {
            let at = Double(i) * cell
            picture.line(left + at, top, left + at, top + side, line)
            picture.line(left, top + at, left + side, top + at, line)
        }
    }

    private static func drawColourBar(left: Double, top: Double, width: Double, _ picture: inout SVGDocument) {
        let steps = 48
        for i in 0..<steps {
            let tone = (Double(i) + 0.5) / Double(steps)
            // A slight overlap hides the seams between neighbours.
            picture.rectangle(
                x: left + width * Double(i) / Double(steps), y: top,
                width: width / Double(steps) + (i == steps - 1 ? 0 : 0.5), height: 10,
                paint: SequentialColour.paint(tone))
        }
        for share in [0, 0.01, 0.05, 0.1, 0.25, 0.5, 1] {
            let x = left + width * share.squareRoot()
            picture.line(x, top + 10, x, top + 14, Stroke(paint: .axis))
            picture.text("\(Int((100 * share).rounded()))", x: x, y: top + 26, size: 11, anchor: .middle, paint: .muted)
        }
        picture.text("Colour: per cent of the true class", x: left, y: top + 43, size: 11, paint: .muted)
    }
}
