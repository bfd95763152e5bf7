import Pictures

/// Finds the straight thin strokes of a form in a picture of it, tilted by up to 14° from either axis.
///
/// The picture is cut into strips across the direction that is looked along. In each the mean of its pixels shows a rule as a
/// valley: darker than what lies ``reach`` pixels to either side by at least ``leastContrast``, at a place that a parabola tells to
/// a part of a pixel. Valleys of neighbouring strips that continue one another are a chain; a chain that is long and straight is a
/// rule. Handwriting leaves short chains, some straight, as outliers for whoever matches. Cost: O(pixels).
enum RuleDetector {
    /// Pixels along the direction.
    private static let (horizontalStrip, verticalStrip) = (8, 4)
    private static let reach = 3
    /// Levels.
    private static let leastContrast: Float = 9
    /// Strips of a chain, and strips without a valley that it may pass over.
    private static let leastStrips = 5
    private static let longestGap = 2
    /// Pixels from the line through a chain, root mean square.
    private static let straightness = 0.7

    static func segments(of image: GreyImage) -> [RuleSegment] {
        let across = chains(image, strip: horizontalStrip).map { RuleSegment($0, $1, isHorizontal: true) }
        let down = chains(image.transposed, strip: verticalStrip).map { start, end in
            RuleSegment(Point(start.y, start.x), Point(end.y, end.x), isHorizontal: false)
        }
        return across + down
    }

    /// Ends of the rules that run along x.
    private static func chains(_ image: GreyImage, strip: Int) -> [(Point, Point)] {
        let strips = image.width / strip
        guard strips >= leastStrips, image.height > 2 * reach else { return [] }
        let means = stripMeans(image, strip: strip, strips: strips)
        var open: [Chain] = [], found: [(Point, Point)] = []
        for s in 0..<strips {
            let valleys = valleys(of: means, strip: s, height: image.height)
            var isTaken = [Bool](repeating: false, count: valleys.count)
            var next: [Chain] = []
            // Longer ones choose first.
            for var chain in open.sorted(by: { $0.count > $1.count }) {
                let (place, tolerance) = chain.prediction(at: s)
                var best: Int?
                for (index, y) in valleys.enumerated() where !isTaken[index] && abs(y - place) <= tolerance {
                    if best.map({ abs(valleys[$0] - place) > abs(y - place) }) ?? true { best = index }
                }
                if let best {
                    isTaken[best] = true
                    chain.append(s, valleys[best])
                    next.append(chain)
                } else if s - chain.last <= longestGap {
                    next.append(chain)
                } else if let ends = chain.ends(strip: strip) {
                    found.append(ends)
                }
            }
            for (index, y) in valleys.enumerated() where !isTaken[index] { next.append(Chain(s, y)) }
            open = next
        }
        return found + open.compactMap { $0.ends(strip: strip) }
    }

    /// `[strips, height]`.
    private static func stripMeans(_ image: GreyImage, strip: Int, strips: Int) -> [Float] {
        var means = [Float](repeating: 0, count: strips * image.height)
        let pixels = image.pixels.span, scale = 1 / Float(strip)
        for y in 0..<image.height {
            let row = y &* image.width
            for s in 0..<strips {
                var sum: Int32 = 0
                for x in 0..<strip { sum &+= Int32(pixels[row &+ s &* strip &+ x]) }
                means[s &* image.height &+ y] = Float(sum) * scale
            }
        }
        return means
    }

    private static func valleys(of means: [Float], strip: Int, height: Int) -> [Double] {
        let m = means.span, first = strip * height
        var result: [Double] = []
        for y in reach..<(height - reach) {
            let i = first &+ y, level = m[i]
            guard min(m[i &- reach], m[i &+ reach]) - level >= leastContrast, level < m[i &- 1], level <= m[i &+ 1]
            else { continue }
            let (before, after) = (Double(m[i &- 1]), Double(m[i &+ 1]))
            let bend = before + after - 2 * Double(level)
            result.append(Double(y) + 0.5 + (bend > 0 ? (before - after) / (2 * bend) : 0))
        }
        return result
    }

    private struct Chain {
        private var points: [(s: Int, y: Double)]

        init(_ s: Int, _ y: Double) { points = [(s, y)] }

        var count: Int { points.count }
        var last: Int { points[points.count - 1].s }

        mutating func append(_ s: Int, _ y: Double) { points.append((s, y)) }

        /// Where the chain goes on at strip `s`, and by how much it may miss.
        func prediction(at s: Int) -> (Double, Double) {
            let recent = points.suffix(12), end = points[points.count - 1]
            guard recent.count >= 3 else { return (end.y, 2.2 * Double(s - end.s)) }
            let line = Self.line(recent)
            return (line.offset + line.slope * Double(s), recent.count < 5 ? 1.5 : 1)
        }

        /// Least squares.
        private static func line(_ points: ArraySlice<(s: Int, y: Double)>) -> (offset: Double, slope: Double) {
            let n = Double(points.count)
            let meanS = points.reduce(0) { $0 + Double($1.s) } / n, meanY = points.reduce(0) { $0 + $1.y } / n
            var (ss, sy) = (0.0, 0.0)
            for p in points {
                ss += (Double(p.s) - meanS) * (Double(p.s) - meanS)
                sy += (Double(p.s) - meanS) * (p.y - meanY)
            }
            let slope = ss > 0 ? sy / ss : 0
            return (meanY - slope * meanS, slope)
        }

        /// Nil where it is short, broken or bent.
        func ends(strip: Int) -> (Point, Point)? {
            guard count >= leastStrips, 10 * count >= 7 * (last - points[0].s + 1) else { return nil }
            let line = Self.line(points[...])
            let squares = points.reduce(0) { sum, p in
                let r = p.y - line.offset - line.slope * Double(p.s)
                return sum + r * r
            }
            // A slope of 1/4 is 14°.
            guard (squares / Double(count)).squareRoot() <= straightness, abs(line.slope) <= 0.25 * Double(strip) else {
                return nil
            }
            func point(_ s: Double) -> Point {
                Point((s + 0.5) * Double(strip), line.offset + line.slope * s)
            }
            return (point(Double(points[0].s) - 0.5), point(Double(last) + 0.5))
        }
    }
}

extension GreyImage {
    /// Rows and columns exchanged.
    fileprivate var transposed: GreyImage {
        var result = [UInt8](repeating: 0, count: pixels.count)
        let source = pixels.span
        for y in 0..<height {
            for x in 0..<width { result[x &* height &+ y] = source[y &* width &+ x] }
        }
        return GreyImage(width: height, height: width, pixels: result)
    }
}
