import Formats

/// A line chart: the curves of one or several runs over two axes, with vertical marks and a title.
package struct LineChart: Sendable {
    package struct Line: Sendable {
        package var name: String
        package var stroke: Stroke
        /// A point whose y is not finite leaves a gap.
        package var points: [(x: Double, y: Double)]
        package var shape = PolyLine.Shape.straight
        /// Points drawn as dots, by index, with their tooltips.
        package var dots: [(index: Int, radius: Double, tooltip: String)] = []

        package init(
            name: String, stroke: Stroke, points: [(x: Double, y: Double)], shape: PolyLine.Shape = .straight,
            dots: [(index: Int, radius: Double, tooltip: String)] = []
        ) {
            (self.name, self.stroke, self.points, self.shape, self.dots) = (name, stroke, points, shape, dots)
        }
    }

    package var title: String
    package var x: PlotAxis
    package var y: PlotAxis
    package var lines: [Line]
    /// The x values that a dashed vertical line of full height marks.
    package var verticals: [Double] = []
    /// Whether to draw the line y = x, dashed.
    package var diagonal = false
    /// A rectangle to highlight, as ranges of x and y.
    package var frame: (x: ClosedRange<Double>, y: ClosedRange<Double>)?

    package init(
        title: String, x: PlotAxis, y: PlotAxis, lines: [Line], verticals: [Double] = [], diagonal: Bool = false,
        frame: (x: ClosedRange<Double>, y: ClosedRange<Double>)? = nil
    ) {
        (self.title, self.x, self.y, self.lines) = (title, x, y, lines)
        (self.verticals, self.diagonal, self.frame) = (verticals, diagonal, frame)
    }

    package static let verticalStroke = Stroke(paint: .axis, width: 1.2, dashes: [4, 3])

    /// Returns the chart as a panel of the given size. Its legend is a separate panel (``Legend``), shared by the
    /// charts of a figure.
    package func panel(width: Double = 400, height: Double = 330) -> SVGDocument {
        var picture = SVGDocument(width: width, height: height, title: title, paper: false)
        picture.text(title, x: 64, y: 16, size: 13, bold: true)
        let plot = PlotArea(left: 64, top: 30, width: width - 64 - 18, height: height - 30 - 46, x: x, y: y)
        plot.drawFrame(&picture)
        for x in verticals {
            picture.line(plot.px(x), plot.top, plot.px(x), plot.bottom, Self.verticalStroke)
        }
        plot.clipped(&picture) { picture in
            if diagonal {
                picture.line(
                    plot.px(x.range.lowerBound), plot.py(x.range.lowerBound), plot.px(x.range.upperBound),
                    plot.py(x.range.upperBound), Stroke(paint: .axis, dashes: [4, 4]))
            }
            for line in lines {
                for run in Self.runs(line.points) where run.count > 1 {
                    var path = PolyLine(line.shape)
                    for i in run { path.add(plot.px(line.points[i].x), plot.py(line.points[i].y)) }
                    picture.path(path.pathData, line.stroke, tooltip: line.name)
                }
            }
        }
        for line in lines {
            for dot in line.dots where line.points[dot.index].y.isFinite {
                let point = line.points[dot.index]
                picture.circle(
                    plot.px(point.x), plot.py(point.y), radius: dot.radius, paint: line.stroke.paint,
                    tooltip: dot.tooltip)
            }
        }
        if let frame {
            let (left, top) = (plot.px(frame.x.lowerBound), plot.py(frame.y.upperBound))
            picture.rectangle(
                x: left, y: top, width: plot.px(frame.x.upperBound) - left, height: plot.py(frame.y.lowerBound) - top,
                paint: .none, outline: Stroke(paint: .axis, dashes: [3, 2]))
        }
        return picture
    }

    /// Returns the index ranges of consecutive points whose y is finite.
    private static func runs(_ points: [(x: Double, y: Double)]) -> [Range<Int>] {
        var result: [Range<Int>] = []
        for (i, point) in points.enumerated() where point.y.isFinite {
            if let last = result.last, last.upperBound == i {
                result[result.count - 1] = last.lowerBound..<(i + 1)
            } else {
                result.append(i..<(i + 1))
            }
        }
        return result
    }
}

/// The key to the lines and colours of a figure.
package struct Legend: Sendable {
    package struct Entry: Sendable {
        package enum Key: Sendable {
            case line(Stroke)
            case box(Paint)
            /// A line with end caps, as drawn for intervals.
            case interval(Stroke)
        }
        package var key: Key
        package var name: String
        /// A value shown with the entry.
        package var figure: String?

        package init(_ stroke: Stroke, _ name: String, figure: String? = nil) {
            (key, self.name, self.figure) = (.line(stroke), name, figure)
        }

        package init(_ key: Key, _ name: String) { (self.key, self.name) = (key, name) }
    }

    package var heading = ""
    /// The heading of the column of values.
    package var figureName = ""
    package var entries: [Entry]

    package init(heading: String = "", figureName: String = "", entries: [Entry]) {
        (self.heading, self.figureName, self.entries) = (heading, figureName, entries)
    }

    /// Returns a panel of the entries, one below the other, with their values right-aligned.
    package func panel(width: Double = 236) -> SVGDocument {
        let titled = !heading.isEmpty || !figureName.isEmpty
        let top = titled ? 38.0 : 18
        var picture = SVGDocument(
            width: width, height: top + Double(entries.count) * 20, title: heading.isEmpty ? "Legend" : heading,
            paper: false)
        if titled {
            picture.text(heading, x: 4, y: 16, size: 13, bold: true)
            picture.text(figureName, x: width - 6, y: 16, size: 13, anchor: .end, bold: true)
        }
        let room = Int((width - 60 - (entries.contains { $0.figure != nil } ? 56 : 0)) / 7)
        for (i, entry) in entries.enumerated() {
            let y = top + Double(i) * 20
            draw(entry.key, x: 4, y: y - 4, &picture)
            picture.text(Text.name(entry.name, limit: room), x: 42, y: y)
            if let figure = entry.figure {
                picture.text(figure, x: width - 6, y: y, anchor: .end, paint: .muted)
            }
        }
        return picture
    }

    private func draw(_ key: Entry.Key, x: Double, y: Double, _ picture: inout SVGDocument) {
        switch key {
        case .line(let stroke): picture.line(x, y, x + 28, y, stroke)
        case .box(let paint): picture.rectangle(x: x, y: y - 5, width: 28, height: 10, paint: paint)
        case .interval(let stroke):
            picture.line(x, y, x + 28, y, stroke)
            for end in [x, x + 28] { picture.line(end, y - 4, end, y + 4, stroke) }
        }
    }
}
