/// Lattices: empty tables and squared paper, whose ink is one piece.
///
/// No digit has more than two holes, and they are no rectangles. A piece of ink is a lattice if at least four regions of
/// paper within its box are rectangles or parallelograms (``Oblong/fill`` from 0.94 to 1.025), if these are most of its
/// regions, and if they cover at least a quarter of its box: of digits that touch, holes and gaps cover less. Regions at
/// the picture's edge do not count: in a picture that is cropped to its ink they are corners beside digits. Paper is
/// connected along sides, since ink is along corners too.
enum Lattice {
    private static let leastCells = 4
    /// The least share of a piece's regions that are cells.
    private static let leastShare = 0.7
    /// The least share of a piece's box that its cells cover.
    private static let leastCover = 0.25
    /// The least number of pixels and the least side of a region.
    private static let (leastArea, leastSide) = (16, 3.0)
    private static let rectangles = 0.94...1.025

    /// Returns the indices of the components that are lattices.
    static func indices(in components: InkComponents) -> Set<Int> {
        let count = components.components.count
        var cells = [Int](repeating: 0, count: count), others = cells, covered = cells
        forEachRegion(of: components) { region, owner in
            guard region.count >= leastArea, region.sides.thickness >= leastSide else { return }
            guard rectangles.contains(region.fill) else {
                others[owner] += 1
                return
            }
            cells[owner] += 1
            covered[owner] += region.count
        }
        return Set(
            (0..<count).filter {
                let box = components.box($0)
                return cells[$0] >= leastCells && Double(cells[$0]) >= leastShare * Double(cells[$0] + others[$0])
                    && Double(covered[$0]) >= leastCover * Double(box.width * box.height)
            })
    }

    /// Calls `body` with each region of paper within the box of a component that it touches and not at the picture's edge,
    /// and that component.
    private static func forEachRegion(of components: InkComponents, _ body: (Oblong, Int) -> Void) {
        let (width, height) = (components.width, components.height)
        let labels = components.labels.span
        var isSeen = [Bool](repeating: false, count: width * height)
        var stack: [Int32] = []
        for start in isSeen.indices where !isSeen[start] && labels[start] == 0 {
            var region = Oblong(), owner: Int?
            var (left, right, top, bottom) = (width, -1, height, -1)
            isSeen[start] = true
            stack.append(Int32(start))
            func visit(_ index: Int) {
                if labels[index] != 0 {
                    owner = owner ?? Int(labels[index]) - 1
                } else if !isSeen[index] {
                    isSeen[index] = true
                    stack.append(Int32(index))
                }
            }
            while let next = stack.popLast() {
                let i = Int(next), y = i / width, x = i - y * width
                region.add(x, y)
                (left, right, top, bottom) = (min(left, x), max(right, x), min(top, y), max(bottom, y))
                if x > 0 { visit(i - 1) }
                if x + 1 < width { visit(i + 1) }
                if y > 0 { visit(i - width) }
                if y + 1 < height { visit(i + width) }
            }
            let box = PixelBox(x: left, y: top, width: right + 1 - left, height: bottom + 1 - top)
            let isAtEdge = left == 0 || top == 0 || right == width - 1 || bottom == height - 1
            if let owner, !isAtEdge, components.box(owner).contains(box) { body(region, owner) }
        }
    }
}
