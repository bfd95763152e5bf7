import Pictures

/// The features of a picture that are used to register a page: its lines and marks.
final class ObservedPage {
    /// The factor by which the picture was downsampled for detection.
    let reduction: Int
    let size: Point
    let segments: [RuleSegment]
    let marks: [MarkDetector.Mark]
    /// For horizontal and vertical rules, the segment that passes near each pixel.
    private lazy var fine = rasters(.fine)
    private lazy var coarse = rasters(.coarse)
    private lazy var wide = rasters(.wide)

    private func rasters(_ reach: Reach) -> [Raster] {
        [true, false].map { Raster(segments, isHorizontal: $0, size: size, reach: reach.rawValue) }
    }

    /// The tolerance in pixels when looking for a rule.
    enum Reach: Int {
        case fine = 2
        case coarse = 6
        /// For guesses that ignore perspective.
        case wide = 16
    }
    /// The approximate longer side, in pixels, to which pictures are downsampled.
    private static let workingSize = 900

    /// A lookup table of the segment that passes near each pixel.
    struct Raster {
        let width: Int
        let height: Int
        /// The index of the segment plus one, 0 for none: `[height, width]`.
        private var indices: [Int32]

        init(_ segments: [RuleSegment], isHorizontal: Bool, size: Point, reach: Int) {
            (width, height) = (max(1, Int(size.x)), max(1, Int(size.y)))
            indices = [Int32](repeating: 0, count: width * height)
            // Draws longer segments over shorter ones.
            let order = segments.indices.filter { segments[$0].isHorizontal == isHorizontal }
                .sorted { segments[$0].length < segments[$1].length }
            for index in order { draw(segments[index], index, isHorizontal: isHorizontal, reach: reach) }
        }

        private mutating func draw(_ s: RuleSegment, _ index: Int, isHorizontal: Bool, reach: Int) {
            let (a, b) = isHorizontal ? (s.start, s.end) : (Point(s.start.y, s.start.x), Point(s.end.y, s.end.x))
            let (extent, limit) = isHorizontal ? (width, height) : (height, width)
            let slope = b.x == a.x ? 0 : (b.y - a.y) / (b.x - a.x)
            for along in max(0, Int(a.x))..<max(max(0, Int(a.x)), min(extent, Int(b.x.rounded(.up)))) {
                let middle = Int((a.y + slope * (Double(along) + 0.5 - a.x)).rounded(.down))
                guard middle + reach >= 0, middle - reach < limit else { continue }
                for across in max(0, middle - reach)...min(limit - 1, middle + reach) {
                    indices[isHorizontal ? across * width + along : along * width + across] = Int32(index + 1)
                }
            }
        }

        /// The index of the segment near `p`; nil if there is none, or if `p` is outside.
        subscript(_ p: Point) -> Int? {
            guard p.x >= 0, p.y >= 0, p.x < Double(width), p.y < Double(height) else { return nil }
            let value = indices[Int(p.y) * width + Int(p.x)]
            return value > 0 ? Int(value) - 1 : nil
        }
    }

    /// Detects the features of a picture.
    /// - Parameter withMarks: Whether to detect marks.
    init(_ image: GreyImage, withMarks: Bool = true) {
        reduction = max(1, (max(image.width, image.height) + Self.workingSize / 2) / Self.workingSize)
        let small = reduction > 1 ? image.reduced(by: reduction) : image
        let size = Point(Double(small.width), Double(small.height))
        let segments = RuleDetector.segments(of: small)
        self.size = size
        self.segments = segments
        marks = withMarks ? MarkDetector.marks(of: small) : []
    }

    func isInside(_ p: Point) -> Bool { p.x >= 0 && p.y >= 0 && p.x < size.x && p.y < size.y }

    /// Returns the index of a rule of the given direction that passes near `p`.
    func segment(at p: Point, isHorizontal: Bool, _ reach: Reach) -> Int? {
        let index = isHorizontal ? 0 : 1
        switch reach {
        case .fine: return fine[index][p]
        case .coarse: return coarse[index][p]
        case .wide: return wide[index][p]
        }
    }

    /// Returns the nearest mark of about the given side, within `reach` pixels.
    func mark(at p: Point, side: Double, reach: Double) -> MarkDetector.Mark? {
        marks.filter { ($0.centre - p).length <= reach && (0.6...1.6).contains($0.side / side) }
            .min { ($0.centre - p).length < ($1.centre - p).length }
    }
}
