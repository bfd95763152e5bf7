import Evaluation

/// `confusion_matrix.svg`: true classes down, predicted classes across; colour is the share of the true class, text
/// the count.
///
/// The colour scale is a square root, so that one error in a hundred shows beside ninety-nine hits.
public enum ConfusionMatrixFigure {
    public static func svg(_ evaluation: EvaluationSummary) -> String {
        let matrix = evaluation.confusionMatrix
        let k = matrix.classCount
        let cell = k <= 12 ? 44.0 : k <= 25 ? 30 : 15
        let labelSize = k <= 12 ? 12.0 : k <= 25 ? 11 : 10
        let names = matrix.classNames.map { Text.name($0, limit: 16) }
        // A generous width of the widest label in a sans-serif face.
        let labelWidth = Double(names.map(Text.columns).max() ?? 1) * labelSize * 0.66
        let upright = labelWidth <= cell - 4
        let side = cell * Double(k)
        let left = 44 + labelWidth + 12
        let top = 72.0
        let below = upright ? labelSize + 10 : labelWidth + 14
        let title = "Confusion matrix"
        var picture = SVGDocument(
            width: max(left + side + 110, 470), height: top + max(side, 180) + below + 34, title: title)
        let interval = evaluation.accuracyInterval
        picture.text(title, x: 20, y: 28, size: 17, bold: true)
        picture.text(
            "\(Text.grouped(matrix.total)) samples · accuracy \(Text.percent(evaluation.report.accuracy)) "
                + "(95 % interval \(Text.hundredths(interval.lower)) to \(Text.hundredths(interval.upper)))",
            x: 20, y: 48, paint: .muted)

        picture.rectangle(x: left, y: top, width: side, height: side, paint: SequentialColour.paint(0))
        drawCells(matrix, left: left, top: top, cell: cell, &picture)
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
        picture.text(
            "True class", x: 28, y: top + side / 2, size: 13, anchor: .middle, rotation: -90)
        picture.text(
            "Predicted class", x: left + side / 2, y: top + side + below + 16, size: 13, anchor: .middle)
        drawColourBar(left: left + side + 26, top: top, height: min(max(side, 180), 320), &picture)
        return picture.text
    }

    private static func drawCells(
        _ matrix: ConfusionMatrix, left: Double, top: Double, cell: Double, _ picture: inout SVGDocument
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
                let figure = String(count)
                let size = min(13, (cell - 4) / (0.64 * Double(figure.count)))
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

    private static func drawColourBar(
        left: Double, top: Double, height: Double, _ picture: inout SVGDocument
    ) {
        let steps = 64
        for i in 0..<steps {
            let tone = (Double(i) + 0.5) / Double(steps)
            // Overlapping by a little hides the seams between neighbours.
            picture.rectangle(
                x: left, y: top + height * (1 - Double(i + 1) / Double(steps)), width: 14,
                height: height / Double(steps) + (i == 0 ? 0 : 0.5), paint: SequentialColour.paint(tone))
        }
        for share in [0, 0.01, 0.05, 0.1, 0.25, 0.5, 1] {
            let y = top + height * (1 - share.squareRoot())
            picture.line(left + 14, y, left + 18, y, Stroke(paint: .axis))
            picture.text("\(Int((100 * share).rounded())) %", x: left + 22, y: y + 4, size: 10, paint: .muted)
        }
        picture.text(
            "Share of the true class", x: left + 72, y: top + height / 2, size: 11, anchor: .middle, paint: .muted,
            rotation: -90)
    }
}
