/// Removal of the printed lines of a form: boxes, combs, writing lines.
///
/// A rule is detected in the outline of its component: seen from above (below, left, right), the first ink in nearly
/// every column lies on one straight line and is thin. Four such edges are a frame, and vertical edges about as high as
/// the frame around them separate its cells; one or two along a component that is wider than high are writing lines, if
/// they are smoother than the feet or the heads of touching digits, which stand in a row too. A rule's ink is removed
/// only where it is not much thicker than the rule itself, so that a digit's stroke that crosses it is kept.
package enum RuledLines {
    /// Thresholds, as shares of the ink's level: above the first is a rule's ink, which may be fainter than a pen's,
    /// below the second no ink.
    private static let (inside, outside): (Float, Float) = (0.25, 0.1)
    /// The maximum number of passes, and of pixels that they look at: each takes the outermost rules of a frame within a
    /// frame, a comb, or a table.
    private static let (fewest, most, pixels) = (3, 40, 40_000_000)
    /// The maximum roughness of a writing line (``Edge/roughness``). Of 600 lines that were bowed or ruled by hand, in
    /// one to three times MNIST's size, 97 % are smoother; none of 77 rows of touching digits is below 0.64.
    private static let roughest = 0.6
    /// The maximum number of components to examine, largest first.
    private static let mostComponents = 300

    /// Returns the map without rules.
    package static func removed(from map: InkMap) -> InkMap {
        var map = map
        var frames: [PixelBox] = []
        for _ in 0..<max(fewest, min(most, pixels / max(1, map.ink.count))) {
            let components = InkComponents(map, low: max(inside, 4 * map.noise), high: max(0.4, 5 * map.noise))
            var ink = map.ink
            var changed = false
            let largest = components.components.enumerated().sorted { $0.element.area > $1.element.area }
            for (index, component) in largest.prefix(mostComponents) {
                for edge in edges(of: component, label: Int32(index + 1), components, &frames) {
                    clear(edge, of: component.box, &ink, width: map.width, height: map.height)
                    changed = true
                }
            }
            guard changed else { return map }
            map.ink = ink
        }
        return map
    }

    private enum Side: CaseIterable {
        case top, bottom, left, right

        var isHorizontal: Bool { self == .top || self == .bottom }
        /// Whether the side is at the small end of its coordinate.
        var isNear: Bool { self == .top || self == .left }
    }

    /// A straight edge: at position p along it, ink begins at depth `offset + slope·p` from the side.
    private struct Edge {
        var side: Side
        var offset: Double
        var slope: Double
        var thickness: Int
        /// The depth at which ink begins, by position; nil where that is not on the edge.
        var depths: [Int?]

        /// How much it bends at the scale of its thickness, in pixels: the mean of `|d(p) − (d(p − k) + d(p + k))/2|`
        /// over its ``depths`` d, k being the thickness plus 3; infinite if that is nowhere known. A bow or a slope
        /// hardly counts.
        var roughness: Double {
            var sum = 0, count = 0
            let k = thickness + 3
            for p in depths.indices.dropFirst(k).dropLast(k) {
                guard let here = depths[p], let before = depths[p - k], let after = depths[p + k] else { continue }
                sum += abs(2 * here - before - after)
                count += 1
            }
            return count > 0 ? Double(sum) / Double(2 * count) : .infinity
        }
    }

    /// Returns the rules that bound `component`; none if it is neither a frame nor a writing line.
    private static func edges(
        of component: InkComponents.Component, label: Int32, _ components: InkComponents, _ frames: inout [PixelBox]
    ) -> [Edge] {
        let box = component.box
        // Too small to distinguish a rule from a stroke.
        guard max(box.width, box.height) >= 24 else { return [] }
        let found = Side.allCases.compactMap { straightEdge($0, box, label, components) }
        let sides = Set(found.map(\.side))
        if sides.count == 4 {
            frames.append(box)
            return found
        }
        // A separator of a frame's cells extends from its top to its bottom.
        let isPost = frames.contains { $0.contains(box) && 100 * box.height >= 85 * $0.height }
        if isPost { return found.filter { !$0.side.isHorizontal } }
        let isLong = box.width * 2 > 3 * box.height
        return isLong ? found.filter { $0.side.isHorizontal && $0.roughness <= roughest } : []
    }

    private static func straightEdge(
        _ side: Side, _ box: PixelBox, _ label: Int32, _ components: InkComponents
    ) -> Edge? {
        let (length, depth) = side.isHorizontal ? (box.width, box.height) : (box.height, box.width)
        /// Whether the component has ink at `position` along the side, at depth `d`.
        func isInk(_ position: Int, _ d: Int) -> Bool {
            let along = side.isHorizontal ? box.x + position : box.y + position
            let far = side.isHorizontal ? box.bottom - 1 : box.right - 1
            let across = side.isNear ? (side.isHorizontal ? box.y : box.x) + d : far - d
            let (x, y) = side.isHorizontal ? (along, across) : (across, along)
            return components.labels[y * components.width + x] == label
        }
        var first: [Int] = [], thickness: [Int] = []
        for position in 0..<length {
            guard let d = (0..<depth).first(where: { isInk(position, $0) }) else {
                first.append(-1)
                thickness.append(0)
                continue
            }
            first.append(d)
            thickness.append((d..<depth).first { !isInk(position, $0) }.map { $0 - d } ?? depth - d)
        }
        let thin = thickness.filter { $0 > 0 }.sorted()
        guard thin.count > length * 3 / 4 else { return nil }
        let typical = thin[thin.count / 2]
        guard typical * 12 <= length, let line = line(through: first) else { return nil }
        let tolerance = 1.5 + 0.25 * Double(typical)
        let depths = first.enumerated().map { position, depth -> Int? in
            let isNear = abs(Double(depth) - line.offset - line.slope * Double(position)) <= tolerance
            return depth >= 0 && isNear ? depth : nil
        }
        let near = depths.count { $0 != nil }
        guard near * 100 >= length * 85, abs(line.slope) < 0.1 else { return nil }
        return Edge(side: side, offset: line.offset, slope: line.slope, thickness: typical, depths: depths)
    }

    /// Returns approximately the line with the least sum of absolute residuals; nil for fewer than two points.
    private static func line(through depths: [Int]) -> (offset: Double, slope: Double)? {
        let points = depths.indices.filter { depths[$0] >= 0 }
        guard points.count >= 2 else { return nil }
        var offset = 0.0, slope = 0.0
        for iteration in 0..<20 {
            var (s, sx, sxx, sy, sxy) = (0.0, 0.0, 0.0, 0.0, 0.0)
            for p in points {
                let x = Double(p), y = Double(depths[p])
                let weight = iteration == 0 ? 1 : 1 / max(abs(y - offset - slope * x), 0.5)
                s += weight
                sx += weight * x
                sxx += weight * x * x
                sy += weight * y
                sxy += weight * x * y
            }
            let determinant = s * sxx - sx * sx
            guard determinant > 1e-9 else { return nil }
            slope = (s * sxy - sx * sy) / determinant
            offset = (sy - slope * sx) / s
        }
        return (offset, slope)
    }

    /// Clears the ink of `edge`, including its soft edges, where it is at most twice as thick as the edge plus one
    /// pixel.
    private static func clear(_ edge: Edge, of box: PixelBox, _ ink: inout [Float], width: Int, height: Int) {
        let side = edge.side
        let length = side.isHorizontal ? box.width : box.height
        let limit = edge.thickness * 2 + 1
        for position in 0..<length {
            let depth = edge.offset + edge.slope * Double(position) + Double(edge.thickness - 1) / 2
            let along = side.isHorizontal ? box.x + position : box.y + position
            let far = side.isHorizontal ? box.bottom - 1 : box.right - 1
            let near = side.isHorizontal ? box.y : box.x
            let middle = side.isNear ? near + Int(depth.rounded()) : far - Int(depth.rounded())
            let end = side.isHorizontal ? height : width
            func index(_ across: Int) -> Int { side.isHorizontal ? across * width + along : along * width + across }
            guard (0..<end).contains(middle), ink[index(middle)] > inside else { continue }
            var low = middle, high = middle
            while low > 0, ink[index(low - 1)] > inside { low -= 1 }
            while high + 1 < end, ink[index(high + 1)] > inside { high += 1 }
            guard high + 1 - low <= limit else { continue }
            while low > 0, ink[index(low - 1)] > outside, ink[index(low - 1)] < ink[index(low)] { low -= 1 }
            while high + 1 < end, ink[index(high + 1)] > outside, ink[index(high + 1)] < ink[index(high)] { high += 1 }
            for across in low...high { ink[index(across)] = 0 }
        }
    }
}
