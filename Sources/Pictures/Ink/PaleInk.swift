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
    /// - Parameter components: The pieces of ink that is not pale.
    static func boxes(in map: InkMap, beside components: InkComponents) -> [PixelBox] {
        let all = InkComponents(map, low: max(low, lowNoise * map.noise), high: max(high, highNoise * map.noise))
        guard all.components.count > components.components.count else { return [] }
        var isPale = [Bool](repeating: true, count: all.components.count)
        for index in all.labels.indices where components.labels[index] != 0 && all.labels[index] != 0 {
            isPale[Int(all.labels[index]) - 1] = false
        }
        return all.components.indices.compactMap { index in
            let box = all.box(index), label = Int32(index + 1)
            guard isPale[index], box.height >= leastHeight, box.width <= 3 * box.height else { return nil }
            let isFrame =
                Double(all.area(index)) <= mostInside * Double(box.width * box.height)
                && outline(of: label, box, all) >= leastOutline
            return isFrame ? nil : box
        }
    }

    /// Returns the share of the outline of its box that a piece covers.
    private static func outline(of label: Int32, _ box: PixelBox, _ components: InkComponents) -> Double {
        var covered = 0, count = 0
        for y in box.y..<(box.y + box.height) {
            for x in box.x..<(box.x + box.width)
            where y == box.y || y == box.y + box.height - 1 || x == box.x || x == box.x + box.width - 1 {
                count += 1
                if components.labels[y * components.width + x] == label { covered += 1 }
            }
        }
        return Double(covered) / Double(max(count, 1))
    }
}
