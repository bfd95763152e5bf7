import Formats
import Plots
import Runs

/// Overlaid curves of several runs, in panels of one size, with one legend.
struct OverlayFigure {
    struct Line {
        /// The index of the run, from 0, which selects the colour.
        var run: Int
        /// The points in order; those that are not finite are skipped.
        var points: [(x: Double, y: Double)]
        var shape = PolyLine.Shape.straight
        var dots = false
    }

    struct Panel {
        var title: String
        var x: PlotAxis
        var y: PlotAxis
        var lines: [Line]
    }

    var title: String
    var subtitle: String
    /// The names of the runs; empty for a figure of one run.
    var names: [String]
    package var panels: [Panel]
    var columns = 2

    private static let (cellWidth, cellHeight) = (430.0, 320.0)

    /// The complete SVG file.
    var svg: String {
        let rows = (panels.count + columns - 1) / columns
        let legendTop = 70 + Double(rows) * Self.cellHeight
        let shown = names.map { Text.name($0, limit: 100) }
        var picture = SVGDocument(
            width: Double(columns) * Self.cellWidth + 20, height: legendTop + 20 * Double(names.count) + 10,
            title: title)
        picture.text(title, x: 20, y: 28, size: 17, bold: true)
        picture.text(subtitle, x: 20, y: 48, paint: .muted)
        for (i, panel) in panels.enumerated() {
            draw(
                panel, left: 20 + Double(i % columns) * Self.cellWidth, top: 64 + Double(i / columns) * Self.cellHeight,
                &picture)
        }
        for (i, name) in shown.enumerated() {
            let y = legendTop + 10 + 20 * Double(i)
            picture.line(30, y - 4, 58, y - 4, .series(i))
            picture.text("\(RunComparison.letter(i))  \(name)", x: 66, y: y)
        }
        return picture.text
    }

    private func draw(_ panel: Panel, left: Double, top: Double, _ picture: inout SVGDocument) {
        picture.text(panel.title, x: left + 64, y: top + 16, size: 13, bold: true)
        let plot = PlotArea(
            left: left + 64, top: top + 26, width: Self.cellWidth - 92, height: Self.cellHeight - 82, x: panel.x,
            y: panel.y)
        plot.drawFrame(&picture)
        plot.clipped(&picture) { picture in
            for line in panel.lines {
                var path = PolyLine(line.shape)
                for point in line.points where point.x.isFinite && point.y.isFinite {
                    path.add(plot.px(point.x), plot.py(point.y))
                }
                if line.points.count > 1 { picture.path(path.pathData, .series(line.run)) }
            }
        }
        for line in panel.lines where line.dots {
            for point in line.points where point.x.isFinite && point.y.isFinite {
                picture.circle(
                    plot.px(point.x), plot.py(point.y), radius: 2.5, paint: .series(line.run),
                    tooltip: (names.isEmpty ? "" : RunComparison.letter(line.run) + ": ") + Text.fixed(point.y, 4))
            }
        }
    }
}

/// `robustness.svg`: the accuracy over the strength of each corruption, for one or several runs.
package enum RobustnessFigure {
    /// - Parameters:
    ///   - records: one record per run; at least one.
    ///   - names: the names of the runs; empty for a single run.
    package static func svg(_ records: [RobustnessRecord], names: [String]) -> String {
        svg(records.map { Optional($0) }, names: names)
    }

    /// Returns the figure. A run without a record is nil: it keeps its letter and colour.
    static func svg(_ records: [RobustnessRecord?], names: [String]) -> String {
        var kinds: [(name: String, unit: String)] = []
        for curve in records.compactMap({ $0 }).flatMap(\.curves)
        where !kinds.contains(where: { $0.name == curve.corruption }) {
            kinds.append((curve.corruption, curve.unit))
        }
        let accuracies = records.compactMap { $0 }.flatMap(\.curves).flatMap(\.levels).map(\.accuracy)
        let axis = PlotAxis.around("Accuracy", accuracies, within: 0...1, percent: true)
        let panels = kinds.map { kind in
            let lines = records.enumerated().compactMap { i, record -> OverlayFigure.Line? in
                guard let curve = record?.curves.first(where: { $0.corruption == kind.name }) else { return nil }
                return .init(run: i, points: curve.levels.map { ($0.strength, $0.accuracy) }, dots: true)
            }
            let last = lines.flatMap(\.points).map(\.x).max() ?? 1
            return OverlayFigure.Panel(
                title: kind.name, x: .linear("Strength (\(kind.unit))", 0...last), y: axis, lines: lines)
        }
        let areas = records.enumerated().compactMap { i, record in
            record.map { record in
                (names.isEmpty ? "" : RunComparison.letter(i) + " ") + Text.percent(record.meanArea)
                    + (record.mnistCMeanArea.map { " (MNIST-C's kinds: \(Text.percent($0)))" } ?? "")
            }
        }
        return OverlayFigure(
            title: "Accuracy under corruption",
            subtitle: "mean area under the curves: " + areas.joined(separator: ", "), names: names, panels: panels,
            columns: 3
        ).svg
    }
}
