import Pictures

/// Detects the thin straight lines of a form in a picture, tilted by up to 14° from either axis.
///
/// The picture is divided into strips perpendicular to the search direction. In the profile of a strip's mean pixels a
/// rule appears as a valley: darker by at least ``leastContrast`` than the pixels ``reach`` to either side, and located
/// with subpixel accuracy by a parabola. Matching valleys of neighbouring strips form a chain; a long and straight
/// chain is a rule. Handwriting leaves short chains, some of them straight, as outliers for the matching stage.
/// Cost: O(pixels).
enum RuleDetector {
    /// The widths of the strips in pixels, along the search direction.
    private static let (horizontalStrip, verticalStrip) = (8, 4)
    private static let reach = 3
    /// The minimum contrast of a valley, in grey levels.
    private static let leastContrast: Float = 9
    /// The minimum number of strips of a chain.
    private static let leastStrips = 5
    /// The maximum number of consecutive strips without a valley within a chain.
    private static let longestGap = 2
    /// The maximum root-mean-square deviation of a chain from its line, in pixels.
    private static let straightness = 0.7

    static func segments(of image: GreyImage) -> [RuleSegment] {
        let across = chains(image, strip: horizontalStrip).map { RuleSegment($0, $1, isHorizontal: true) }
        let down = chains(image.transposed, strip: verticalStrip).map { start, end in
            RuleSegment(Point(start.y, start.x), Point(end.y, end.x), isHorizontal: false)
        }
        return across + down
    }

    /// Returns the endpoints of the horizontal rules.
    private static func chains(_ image: GreyImage, strip: Int) -> [(Point, Point)] {
        let strips = image.width / strip
        guard strips >= leastStrips, image.height > 2 * reach else { return [] }
        let means = stripMeans(image, strip: strip, strips: strips)
        var open: [Chain] = [], found: [(Point, Point)] = []
        for s in 0..<strips {
            let valleys = valleys(of: means, strip: s, height: image.height)
            var isTaken = [Bool](repeating: false, count: valleys.count)
            var next: [Chain] = []
            // Longer chains choose first.
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

    /// Returns the mean of each strip's pixels per row, `[strips, height]`.
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

        /// Returns the predicted position of the chain at strip `s`, and the tolerance.
        func prediction(at s: Int) -> (Double, Double) {
            let recent = points.suffix(12), end = points[points.count - 1]
            guard recent.count >= 3 else { return (end.y, 2.2 * Double(s - end.s)) }
            let line = Self.line(recent)
            return (line.offset + line.slope * Double(s), recent.count < 5 ? 1.5 : 1)
        }

        /// Fits a line by least squares.
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

        /// Returns the endpoints of the chain; nil if it is too short, broken or bent.
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
    /// The transposed image.
    fileprivate var transposed: GreyImage {
        var result = [UInt8](repeating: 0, count: pixels.count)
        let source = pixels.span
        for y in 0..<height {
            for x in 0..<width { result[x &* height &+ y] = source[y &* width &+ x] }
        }
        return GreyImage(width: height, height: width, pixels: result)
    }
}
