import Formats
import Foundation
import Plots
import Runs
import Training

/// `sweep.svg`: the validation metric of each trial against each parameter, and by epoch. The numbers are in
/// `sweep.csv`.
enum SweepFigure {
    private static let dropped = Stroke(paint: .series(6), width: 1), full = Stroke(paint: .series(0), width: 1.2)
    private static let best = Stroke(paint: .series(1), width: 2)

    static func svg(_ record: SweepRecord) -> String {
        let isLoss = record.monitor == EarlyStoppingOptions.Monitor.validationLoss.rawValue
        let rows = record.rows.filter { $0.accuracy != nil }
        let values = rows.map { (isLoss ? $0.loss?.mean : $0.accuracy?.mean) ?? .nan }
        let y = axis(values, isLoss)
        let most = rows.map(\.epochs).max() ?? 0
        var panels = record.parameters.indices.map { index in
            panel(record.headings[index], rows, values, parameter: index, most: most, y: y)
        }
        if let curves = curves(rows, y: y) { panels.append(curves) }
        let failed = record.rows.count - rows.count
        var entries = [Legend.Entry(.box(best.paint), "best")]
        if rows.dropFirst().contains(where: { $0.epochs == most }) {
            entries.append(Legend.Entry(.box(full.paint), "trained to the end"))
        }
        if rows.contains(where: { $0.epochs < most }) {
            entries.append(Legend.Entry(.box(dropped.paint), "dropped earlier"))
        }
        panels.append(Legend(entries: entries).panel())
        let seeds = record.seeds.count
        return Figure(
            title: "Sweep \(record.name)",
            subtitle: "\(record.rows.count) trials of \(seeds) seed\(seeds == 1 ? "" : "s"), on the validation images"
                + (failed > 0 ? "; \(failed) failed and are left out" : ""),
            panels: panels
        ).svg
    }

    /// Returns an axis around the better trials, so that a few that learnt nothing do not flatten the others. Those are
    /// drawn on the border.
    private static func axis(_ values: [Double], _ isLoss: Bool) -> PlotAxis {
        let sorted = values.sorted { isLoss ? $0 < $1 : $0 > $1 }
        guard let first = sorted.first else { return .linear("", 0...1) }
        let middle = sorted[sorted.count / 2]
        let reach = max(4 * abs(first - middle), 1e-4)
        let shown = sorted.filter { abs($0 - first) <= reach }
        return .around(
            isLoss ? "Validation loss" : "Validation accuracy", shown,
            within: 0...(isLoss ? max(1, 2 * (shown.max() ?? 1)) : 1), percent: !isLoss)
    }

    private static func panel(
        _ name: String, _ rows: [SweepRow], _ values: [Double], parameter: Int, most: Int, y: PlotAxis
    ) -> SVGDocument {
        let texts = rows.map { $0.values[parameter] }
        let numbers = texts.map(Double.init)
        let x: PlotAxis
        let places: [Double]
        if numbers.allSatisfy({ $0 != nil }), Set(texts).count > 1 {
            places = numbers.map { $0 ?? 0 }
            let low = places.min() ?? 0, high = places.max() ?? 1
            x =
                low > 0 && high / low >= 20
                ? .decades(name, places) : .around(name, places, within: min(0, 2 * low)...max(0, 2 * high))
        } else {
            // Text values in alphabetical order, or a single value.
            let words = Array(Set(texts)).sorted()
            places = texts.map { Double(words.firstIndex(of: $0) ?? 0) }
            x = PlotAxis(
                label: name, range: -0.5...(Double(words.count) - 0.5),
                ticks: words.enumerated().map { .init(value: Double($0), label: Text.name($1, limit: 16)) })
        }
        // The best trial is drawn last, above the others.
        let lines = rows.indices.reversed().map { i -> LineChart.Line in
            let stroke = i == 0 ? best : rows[i].epochs == most ? full : dropped
            let shown = min(max(values[i], y.range.lowerBound), y.range.upperBound)
            var line = LineChart.Line(name: "trial \(rows[i].trial)", stroke: stroke, points: [(places[i], shown)])
            line.dots = [
                (
                    0, i == 0 ? 5 : 3.2,
                    "trial \(rows[i].trial): \(texts[i]), \(Text.fixed(values[i], 4)) after \(rows[i].epochs) epochs"
                )
            ]
            return line
        }
        return LineChart(title: name, x: x, y: y, lines: lines).panel(width: 380, height: 310)
    }

    private static func curves(_ rows: [SweepRow], y: PlotAxis) -> SVGDocument? {
        let longest = rows.map(\.curve.count).max() ?? 0
        guard longest > 1 else { return nil }
        let lines = rows.indices.reversed().map { i in
            LineChart.Line(
                name: "trial \(rows[i].trial)", stroke: i == 0 ? best : rows[i].curve.count == longest ? full : dropped,
                points: rows[i].curve.enumerated().map { (Double($0 + 1), $1) })
        }
        return LineChart(
            title: "By epoch", x: .linear("Epoch", 1...Double(longest), ticks: 6, integers: true), y: y, lines: lines
        ).panel(width: 380, height: 310)
    }
}
