import Formats
import Foundation
import NeuralNetwork
import Plots
import Runs

/// `profile.svg`: the milliseconds of a training step as horizontal bars, a pair for each layer (forward, backward),
/// then the work outside the layers. GFLOP/s and per cent of the GEMM peak are at the ends of the bars.
package enum ProfileFigure {
    private static let barHeight = 11.0
    private static let left = 190.0
    private static let width = 860.0
    /// The space for the text after the longest bar.
    private static let textRoom = 190.0

    private struct Bar {
        var value: Double
        var paint: Paint
        var text: String
    }

    private struct Group {
        var name: String
        var bars: [Bar]
    }

    package static func svg(_ record: ProfileRecord) -> String {
        let groups = groups(record)
        let gap = 9.0
        let top = 92.0
        let height = groups.reduce(0) { $0 + Double($1.bars.count) * barHeight + gap }
        let title = "Where a training step goes"
        var picture = SVGDocument(width: width, height: top + height + 62, title: title)
        picture.text(title, x: 20, y: 28, size: 17, bold: true)
        let threads = record.environment.threads
        picture.text(
            "\(Text.name(record.name, limit: 40)), batch \(record.trainingRate.batchSize), \(threads) "
                + "thread\(threads == 1 ? "" : "s"), \(record.environment.blas.backend) · "
                + "\(Text.grouped(Int(record.trainingRate.imagesPerSecond))) images/s · "
                + "\(Text.fixed(record.training.totals.wall, 2)) ms, of which "
                + "\(Text.fixed(100 * record.training.accountedFraction, 1)) % are shown · % of the "
                + "GEMM peak, \(Text.fixed(record.peak.gflops, 0)) GFLOP/s",
            x: 20, y: 48, paint: .muted)
        drawLegend(&picture)
        let most = max(groups.flatMap(\.bars).map(\.value).max() ?? 0, 1e-6)
        var plot = PlotArea(
            left: left, top: top, width: width - left - textRoom, height: height,
            x: .linear("Milliseconds a step", 0...most, ticks: 6), y: .linear("", 0...1))
        plot.y.ticks = []
        plot.drawFrame(&picture)
        var y = top + gap / 2
        for group in groups {
            let middle = y + Double(group.bars.count) * barHeight / 2
            picture.text(group.name, x: left - 8, y: middle + 4, size: 11, anchor: .end)
            for bar in group.bars {
                let tooltip = "\(group.name): \(bar.text)"
                picture.rectangle(
                    x: left, y: y, width: max(0.5, plot.px(bar.value) - left), height: barHeight - 1.5,
                    paint: bar.paint, tooltip: tooltip)
                picture.text(bar.text, x: plot.px(bar.value) + 5, y: y + barHeight - 2.5, size: 10, paint: .muted)
                y += barHeight
            }
            y += gap
        }
        return picture.text
    }

    private static func groups(_ record: ProfileRecord) -> [Group] {
        var groups: [Group] = []
        for row in record.training.layers where row.bytes > 0 {
            var text = "\(Text.fixed(row.milliseconds, 2)) ms"
            if let gflops = row.gflops, let percent = row.percentOfPeak {
                text += " · \(Text.fixed(gflops, 0)) GFLOP/s · \(Text.fixed(percent, 0)) %"
            }
            let name = Text.name(row.name, limit: 26)
            let bar = Bar(value: row.milliseconds, paint: .series(row.direction == .forward ? 0 : 1), text: text)
            if groups.last?.name == name {
                groups[groups.count - 1].bars.append(bar)
            } else {
                groups.append(Group(name: name, bars: [bar]))
            }
        }
        for other in record.training.other {
            let text = "\(Text.fixed(other.milliseconds, 2)) ms"
            groups.append(
                Group(name: other.name, bars: [Bar(value: other.milliseconds, paint: .series(6), text: text)]))
        }
        return groups
    }

    private static func drawLegend(_ picture: inout SVGDocument) {
        var x = left
        for (name, index) in [("forward", 0), ("backward", 1), ("beside the layers", 6)] {
            picture.rectangle(x: x, y: 64, width: 16, height: 10, paint: .series(index))
            picture.text(name, x: x + 22, y: 73)
            x += 110
        }
    }
}
