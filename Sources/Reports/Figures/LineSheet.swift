import Datasets
import Evaluation
import Formats
import Foundation
import Pictures
import Plots
import Tensors

/// Pictures of lines of text, one below the other, each with captions.
package struct LineSheet: Sendable {
    package struct Row: Sendable {
        var png: Data
        var width: Int
        var height: Int
        var captions: [String]
    }

    private let title: String
    private let subtitle: String
    private let rows: [Row]

    private static let zoom = 1.5

    /// Returns the misread lines, those with the highest confidence first.
    package static func mistakes(
        _ evaluation: LineEvaluation, _ lines: LineSet, most: Int = 40
    ) throws(OperationError) -> LineSheet {
        let wrong = evaluation.lines.indices.filter { !evaluation.lines[$0].isRight }
            .sorted { a, b in
                let (x, y) = (evaluation.lines[a].probability, evaluation.lines[b].probability)
                return x == y ? a < b : x > y
            }
        let names = evaluation.classNames
        func text(_ classes: [Int]) -> String { classes.isEmpty ? "nothing" : classes.map { names[$0] }.joined() }
        var rows: [Row] = []
        for index in wrong.prefix(most) {
            let line = evaluation.lines[index]
            rows.append(
                try row(
                    lines, number: index,
                    captions: [
                        "says \(text(line.truth))", "read \(text(line.read))", Text.percent(line.probability, 1),
                    ]))
        }
        return LineSheet(
            title: "Surest mistakes",
            subtitle: wrong.isEmpty
                ? "none: all of \(Text.grouped(evaluation.count)) lines right"
                : "\(Text.grouped(wrong.count)) of \(Text.grouped(evaluation.count)) lines wrong"
                    + (wrong.count > most ? ", the surest \(most)" : ""),
            rows: rows)
    }

    /// Returns a sheet of training lines.
    package static func samples(_ lines: LineSet, areComposed: Bool) throws(OperationError) -> LineSheet {
        let texts = lines.texts
        var rows: [Row] = []
        for number in 0..<lines.count { rows.append(try row(lines, number: number, captions: [texts[number]])) }
        return LineSheet(
            title: areComposed ? "Composed lines" : "Lines",
            subtitle: areComposed
                ? "the first of the first epoch" : "the first, before their strokes, light and noise are varied",
            rows: rows)
    }

    private static func row(
        _ lines: LineSet, number: Int, captions: [String]
    ) throws(OperationError) -> Row {
        for bucket in lines.buckets {
            guard let index = bucket.numbers.firstIndex(of: number) else { continue }
            let size = lines.height * bucket.width
            let pixels = Array(bucket.pixels[(index * size)..<((index + 1) * size)])
            return Row(
                png: try PNG(width: bucket.width, height: lines.height, colour: .grey, pixels: pixels).encoded(),
                width: bucket.width, height: lines.height, captions: captions)
        }
        preconditionFailure("LineSheet: a line of that number")
    }

    /// The sheet as a figure.
    package var figure: Figure {
        let panels = rows.map { row in
            let (width, height) = (Double(row.width) * Self.zoom, Double(row.height) * Self.zoom)
            let longest = row.captions.map { Figure.width(of: $0, size: 12) }.max() ?? 0
            var panel = SVGDocument(
                width: max(width, longest) + 4, height: height + 15 * Double(row.captions.count) + 8,
                title: row.captions.joined(separator: ", "), paper: false)
            panel.image(
                row.png, x: 2, y: 2, width: width, height: height, tooltip: row.captions.joined(separator: ", "))
            for (index, caption) in row.captions.enumerated() {
                panel.text(caption, x: 2, y: height + 16 + 15 * Double(index), bold: index == 0)
            }
            return panel
        }
        return Figure(title: title, subtitle: subtitle, panels: panels)
    }
}
