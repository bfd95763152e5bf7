import Formats
import Foundation

/// An axis of a plot: its range, ticks and label.
package struct PlotAxis: Sendable {
    package struct Tick: Sendable {
        package var value: Double
        package var label: String

        package init(value: Double, label: String) { (self.value, self.label) = (value, label) }
    }
    package enum Scale: Sendable { case linear, logarithmic }

    package var label: String
    package var range: ClosedRange<Double>
    package var ticks: [Tick]
    package var scale = Scale.linear

    package init(label: String, range: ClosedRange<Double>, ticks: [Tick], scale: Scale = .linear) {
        (self.label, self.range, self.ticks, self.scale) = (label, range, ticks, scale)
    }

    /// Returns the position of `value` between the ends of the axis, from 0 to 1.
    package func fraction(_ value: Double) -> Double {
        switch scale {
        case .linear: (value - range.lowerBound) / (range.upperBound - range.lowerBound)
        case .logarithmic:
            log(value / range.lowerBound) / log(range.upperBound / range.lowerBound)
        }
    }

    /// Rounds `rough` up to 1, 2 or 5 times a power of ten.
    private static func niceStep(_ rough: Double) -> Double {
        let power = pow(10, floor(log10(rough)))
        let enough: [Double] = [1, 2, 5].filter { $0 * power >= rough * 0.999 }
        return (enough.first ?? 10) * power
    }

    /// Returns a linear axis over exactly `range`, with about `count` ticks at 1, 2 or 5 times a power of ten.
    ///
    /// - Parameter percent: whether to label fractions as percentages.
    package static func linear(
        _ label: String, _ range: ClosedRange<Double>, ticks count: Int = 5, percent: Bool = false,
        integers: Bool = false
    ) -> PlotAxis {
        let span = range.upperBound - range.lowerBound
        precondition(span > 0 && span.isFinite, "PlotAxis: expected a range with an extent, received \(range)")
        var step = niceStep(span / Double(max(count, 1)))
        if integers { step = max(1, step) }
        let unit = percent ? 100.0 : 1.0
        let decimals = max(0, Int((-floor(log10(step * unit) + 1e-9)).rounded()))
        let first = Int((range.lowerBound / step - 1e-9).rounded(.up))
        let last = Int((range.upperBound / step + 1e-9).rounded(.down))
        let ticks = (first...max(first, last)).map { i in
            Tick(value: Double(i) * step, label: Text.fixed(Double(i) * step * unit, decimals) + (percent ? " %" : ""))
        }
        return PlotAxis(label: label, range: range, ticks: ticks)
    }

    /// Returns a linear axis around `values` that starts and ends on a tick.
    package static func around(
        _ label: String, _ values: [Double], within limits: ClosedRange<Double>, percent: Bool = false
    ) -> PlotAxis {
        var low = values.min() ?? limits.lowerBound
        var high = values.max() ?? limits.upperBound
        if high - low < 1e-9 * max(1, abs(high)) {
            // A single value: leave room around it.
            let room = max(abs(high) * 0.1, 1e-3)
            (low, high) = (max(limits.lowerBound, low - room), min(limits.upperBound, high + room))
        }
        let step = niceStep((high - low) / 5)
        low = max(limits.lowerBound, (low / step + 1e-9).rounded(.down) * step)
        high = min(limits.upperBound, (high / step - 1e-9).rounded(.up) * step)
        return linear(label, low...high, ticks: Int(((high - low) / step).rounded()), percent: percent)
    }

    /// Returns a logarithmic axis of whole decades around `values`, which must all be positive.
    package static func decades(_ label: String, _ values: [Double]) -> PlotAxis {
        let low = Int(floor(log10(values.min() ?? 1) + 1e-9))
        let high = max(low + 1, Int(ceil(log10(values.max() ?? 1) - 1e-9)))
        // At most eight ticks, labelled as powers where numbers would be long: a diverging loss spans dozens of
        // decades.
        let ticks = stride(from: low, through: high, by: max(1, (high - low + 7) / 8)).map { exponent in
            let value = pow(10, Double(exponent))
            let label =
                switch exponent {
                case -4..<0: Text.fixed(value, -exponent)
                case 0...6: Text.grouped(Int(value))
                default: "1e\(exponent)"
                }
            return Tick(value: value, label: label)
        }
        return PlotAxis(
            label: label, range: pow(10, Double(low))...pow(10, Double(high)), ticks: ticks, scale: .logarithmic)
    }
}

/// A rectangle of a picture with an x-axis and a y-axis.
package struct PlotArea: Sendable {
    package var left: Double
    package var top: Double
    package var width: Double
    package var height: Double
    package var x: PlotAxis
    package var y: PlotAxis

    package init(left: Double, top: Double, width: Double, height: Double, x: PlotAxis, y: PlotAxis) {
        (self.left, self.top, self.width, self.height, self.x, self.y) = (left, top, width, height, x, y)
    }

    package var right: Double { left + width }
    package var bottom: Double { top + height }

    /// The number of the plot's extents beyond which a coordinate is not followed: a diverged loss has any size.
    private static let reach = 1e4

    package func px(_ value: Double) -> Double { left + Self.bounded(x.fraction(value)) * width }
    package func py(_ value: Double) -> Double { bottom - Self.bounded(y.fraction(value)) * height }

    private static func bounded(_ fraction: Double) -> Double { min(max(fraction, -reach), reach) }

    /// Draws the grid, frame, ticks and axis labels. Call it before drawing the data.
    package func drawFrame(_ picture: inout SVGDocument) {
        let grid = Stroke(paint: .grid)
        for tick in x.ticks {
            let at = px(tick.value)
            picture.line(at, top, at, bottom, grid)
            picture.text(tick.label, x: at, y: bottom + 17, anchor: .middle, paint: .muted)
        }
        for tick in y.ticks {
            let at = py(tick.value)
            picture.line(left, at, right, at, grid)
            picture.text(tick.label, x: left - 7, y: at + 4, anchor: .end, paint: .muted)
        }
        let axis = Stroke(paint: .axis)
        picture.line(left, bottom, right, bottom, axis)
        picture.line(left, top, left, bottom, axis)
        picture.text(x.label, x: left + width / 2, y: bottom + 38, size: 13, anchor: .middle)
        picture.text(y.label, x: left - 50, y: top + height / 2, size: 13, anchor: .middle, rotation: -90)
    }

    /// Runs `draw` with its output clipped to the frame plus the width of a line.
    package func clipped(_ picture: inout SVGDocument, _ draw: (inout SVGDocument) -> Void) {
        picture.clipped(x: left - 2, y: top - 2, width: width + 4, height: height + 4, draw)
    }
}
