/// Ink that is paler than the rest of a picture, so that it is taken for paper: pencil beside a felt pen.
///
/// It is not read, since a form's coloured boxes, squared paper and what shows through from the back are pale too, but
/// its characters can be counted, so that a reader is told.
enum PaleInk {
    /// The thresholds, as shares of the ink's level, of the lightest and of the darkest pixel of a piece.
    private static let (low, high): (Float, Float) = (0.12, 0.2)
    /// The same as multiples of the paper's noise.
    private static let (lowNoise, highNoise): (Float, Float) = (5, 7)
    /// The least height in pixels: below it, dust is as large as characters.
    private static let leastHeight = 10
    /// A frame covers at least the first share of the outline of its box, and at most the second of the box.
    private static let (leastOutline, mostInside) = (0.5, 0.4)

    /// Returns the boxes of pieces of pale ink that touch none of the others.
    /// - Parameters:
    ///   - labels: For each pixel, 0 if it belongs to no ink that is read.
    ///   - most: The maximum number of pieces to look at, largest first.
    static func boxes(in map: InkMap, beside labels: [Int32], most: Int) -> [PixelBox] {
        let all = InkComponents(map, low: max(low, lowNoise * map.noise), high: max(high, highNoise * map.noise))
        var isPale = [Bool](repeating: true, count: all.components.count)
        for index in all.labels.indices where labels[index] != 0 && all.labels[index] != 0 {
            isPale[Int(all.labels[index]) - 1] = false
        }
        let pale = all.components.indices.filter { index in
            let box = all.box(index)
            return isPale[index] && box.height >= leastHeight && box.width <= 3 * box.height
        }
        let largest = pale.sorted { all.area($0) > all.area($1) }.prefix(most)
        return largest.filter { index in
            let box = all.box(index)
            let isHollow = Double(all.area(index)) <= mostInside * Double(box.width * box.height)
            return !(isHollow && outline(of: Int32(index + 1), box, all) >= leastOutline)
        }.map { all.box($0) }
    }

    /// Returns the share of the outline of its box that a piece covers.
    private static func outline(of label: Int32, _ box: PixelBox, _ components: InkComponents) -> Double {
        let across = (box.x..<box.right).flatMap { [($0, box.y), ($0, box.bottom - 1)] }
        let along = (box.y..<box.bottom).flatMap { [(box.x, $0), (box.right - 1, $0)] }
        let sides = across + along
        let covered = sides.count { x, y in components.labels[y * components.width + x] == label }
        return Double(covered) / Double(max(sides.count, 1))
    }
}
