import Pictures

/// The handwriting in a character field: its ink without the print, with each pixel assigned to a cell.
struct FieldInk {
    private let parts: CellInk
    /// The ink with the frame retained where characters may run along it.
    private let others: CellInk?
    /// Whether foreign ink enters the field from outside, or there is ink that belongs to no character.
    let isDisturbed: Bool

    /// The maximum distance, in cell heights, between two strokes that touch a line such that a third may run along it.
    private static let touchingGap = 0.5
    /// The maximum area, in squared cell heights, of faint ink that enters from outside.
    private static let mostFaint = 0.05

    /// Extracts the ink of a field; nil if none can be made out.
    /// - Parameters:
    ///   - cells: The cells in pixels of the crop, from left to right; the whole field for free writing.
    ///   - height: The height of a cell in pixels.
    init?(_ crop: FieldCrop, cells: [(low: Point, high: Point)], rules: [KnownRule], height: Double) {
        guard var map = InkMap(crop.image, isDarkOnLight: true) else { return nil }
        let other = map.remove(rules, reach: max(2, Int(height / 20)), gap: Int(Self.touchingGap * height))
        parts = CellInk(map, cells: cells, height: height)
        others = other.map { CellInk($0, cells: cells, height: height) }
        isDisturbed = parts.isDisturbed || Self.isCrossed(map, cells: cells, height: height)
    }

    /// Returns whether a stamp or a shadow, fainter than writing, enters the field from outside.
    private static func isCrossed(_ map: InkMap, cells: [(low: Point, high: Point)], height: Double) -> Bool {
        let components = InkComponents(map, low: max(0.18, 3 * map.noise), high: max(0.25, 4 * map.noise))
        let within = components.pixels(
            from: Point(cells.first?.low.x ?? 0, cells.map(\.low.y).min() ?? 0),
            to: Point(cells.last?.high.x ?? 0, cells.map(\.high.y).max() ?? 0))
        return within.indices.contains {
            components.isAtEdge($0) && Double(within[$0]) > mostFaint * height * height
        }
    }

    /// The bounding box of each cell's ink; nil for an empty cell.
    var boxes: [PixelBox?] { parts.boxes }

    func glyph(_ cell: Int) -> Glyph? { parts.glyph(cell) }

    /// Returns a cell's ink including the frame along which it may run; nil if it does not run along the frame.
    func other(_ cell: Int) -> Glyph? {
        guard let other = others?.glyph(cell), let own = parts.glyph(cell), other.box != own.box || other.ink != own.ink
        else { return nil }
        return other
    }

    /// All cells' ink as one line.
    var line: Glyph? { parts.line }
}

/// One interpretation of the ink of a field.
private struct CellInk {
    let map: InkMap
    /// The cell of each pixel as its index plus one, 0 for none: `[height, width]`.
    let labels: [Int32]
    let boxes: [PixelBox?]
    let isDisturbed: Bool

    /// The size, in cell heights, below which components are specks.
    private static let speck = 0.14
    /// The height, in cell heights, below which a cell's ink is not a character.
    private static let leastHeight = 0.3
    /// The fraction of a component outside its main cell above which it is split at the cell borders.
    private static let mostOverlap = 0.22

    init(_ map: InkMap, cells: [(low: Point, high: Point)], height: Double) {
        let components = InkComponents(map)
        var grown = components.grownLabels(map.ink, floor: max(0.08, 3 * map.noise))
        let (width, count) = (map.width, components.components.count)
        // Cells are separated at the middle of the gap between them.
        let borders = zip(cells, cells.dropFirst()).map { ($0.high.x + $1.low.x) / 2 }
        func cell(_ x: Int) -> Int { borders.count { $0 <= Double(x) + 0.5 } }
        /// The number of pixels of each component by cell.
        var shares = [[Int]](repeating: [Int](repeating: 0, count: cells.count), count: count)
        for (i, label) in components.labels.enumerated() where label > 0 {
            shares[Int(label) - 1][cell(i % width)] += 1
        }
        let within = components.pixels(
            from: Point(cells.first?.low.x ?? 0, (cells.map(\.low.y).min() ?? 0) - 0.1 * height),
            to: Point(cells.last?.high.x ?? 0, (cells.map(\.high.y).max() ?? 0) + 0.1 * height))
        var owner = [Int](repeating: -1, count: count)
        var isDisturbed = false
        for piece in 0..<count {
            let box = components.box(piece), area = components.area(piece), isAtEdge = components.isAtEdge(piece)
            guard Double(max(box.width, box.height)) >= Self.speck * height, 2 * within[piece] > area else {
                // Ink that passes through is not a digit, but may cover one.
                if isAtEdge, Double(within[piece]) > 0.04 * height * height { isDisturbed = true }
                continue
            }
            if isAtEdge { isDisturbed = true }
            let best = shares[piece].indices.max { shares[piece][$0] < shares[piece][$1] } ?? 0
            let isShared = Double(area - shares[piece][best]) > Self.mostOverlap * Double(area)
            owner[piece] = isShared ? cells.count : best
        }
        for i in grown.indices where grown[i] > 0 {
            let piece = Int(grown[i]) - 1
            let target = owner[piece] == cells.count ? cell(i % width) : owner[piece]
            grown[i] = Int32(target + 1)
        }
        var boxes = [PixelBox?](repeating: nil, count: cells.count)
        for (i, label) in grown.enumerated() where label > 0 && map.ink[i] > 0.4 {
            let pixel = PixelBox(x: i % width, y: i / width, width: 1, height: 1)
            boxes[Int(label) - 1] = boxes[Int(label) - 1]?.union(pixel) ?? pixel
        }
        self.boxes = boxes.map { box in
            box.flatMap { Double($0.height) >= Self.leastHeight * height ? $0 : nil }
        }
        // Ink that is too low for a character still counts as a disturbance.
        if zip(boxes, self.boxes).contains(where: { $0 != nil && $1 == nil }) { isDisturbed = true }
        self.map = map
        labels = grown
        self.isDisturbed = isDisturbed
    }

    func glyph(_ cell: Int) -> Glyph? {
        boxes[cell].map { Glyph(map, labels: labels, members: [Int32(cell + 1)], box: $0) }
    }

    /// All cells' ink as one line.
    var line: Glyph? {
        let filled = boxes.indices.filter { boxes[$0] != nil }
        guard let first = filled.first, var box = boxes[first] else { return nil }
        for index in filled { box = boxes[index].map { box.union($0) } ?? box }
        return Glyph(map, labels: labels, members: Set(filled.map { Int32($0 + 1) }), box: box)
    }
}

extension InkComponents {
    /// Returns the number of pixels of each component in a rectangle that excludes its upper bounds.
    func pixels(from low: Point, to high: Point) -> [Int] {
        var result = [Int](repeating: 0, count: components.count)
        for (i, label) in labels.enumerated() where label > 0 {
            let (x, y) = (Double(i % width), Double(i / width))
            if x >= low.x, x < high.x, y >= low.y, y < high.y { result[Int(label) - 1] += 1 }
        }
        return result
    }

    /// Returns whether a component touches the edge of the picture.
    func isAtEdge(_ index: Int) -> Bool {
        let box = box(index)
        return box.x == 0 || box.y == 0 || box.right == width || box.bottom == height
    }
}
