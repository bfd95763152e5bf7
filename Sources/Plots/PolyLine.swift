/// A line through many points, thinned to what a picture can show.
package struct PolyLine {
    package enum Shape: Sendable {
        /// Straight segments between points.
        case straight
        /// Horizontal to the next point's x, then vertical: the area below is the sum that defines average precision.
        case steps
    }

    private var points: [(x: Double, y: Double)] = []
    private let shape: Shape

    package init(_ shape: Shape) { self.shape = shape }

    /// Adds a point in picture coordinates. The x coordinates must be monotonic.
    package mutating func add(_ x: Double, _ y: Double) { points.append((x, y)) }

    /// Returns the first, lowest, highest and last point of each column half a unit wide. A drawing of them covers the
    /// drawing of all points to within half a unit.
    package func thinned() -> [(x: Double, y: Double)] {
        var kept: [(x: Double, y: Double)] = []
        var start = 0
        while start < points.count {
            let column = (points[start].x * 2).rounded(.down)
            var end = start
            var (low, high) = (start, start)
            while end < points.count && (points[end].x * 2).rounded(.down) == column {
                if points[end].y < points[low].y { low = end }
                if points[end].y > points[high].y { high = end }
                end += 1
            }
            var previous = -1
            for i in [start, min(low, high), max(low, high), end - 1] where i != previous {
                kept.append(points[i])
                previous = i
            }
            start = end
        }
        return kept
    }

    /// The value of a path's `d` attribute; empty if there are no points.
    package var pathData: String {
        let points = thinned()
        guard let first = points.first else { return "" }
        let n = SVGDocument.number
        var data = "M\(n(first.x)) \(n(first.y))"
        var last = (x: n(first.x), y: n(first.y))
        for (i, point) in points.enumerated().dropFirst() {
            let (x, y) = (n(point.x), n(point.y))
            if (x, y) == last { continue }
            switch shape {
            case .straight:
                // A point inside a horizontal run adds nothing.
                if y == last.y && i + 1 < points.count && n(points[i + 1].y) == y { continue }
                data += y == last.y ? "H\(x)" : x == last.x ? "V\(y)" : "L\(x) \(y)"
            case .steps:
                if y == last.y && i + 1 < points.count { continue }
                if x != last.x { data += "H\(x)" }
                if y != last.y { data += "V\(y)" }
            }
            last = (x, y)
        }
        return data
    }
}
