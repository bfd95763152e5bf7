/// Rectification of a page by the vanishing points of its lines.
enum Vanishing {
    /// Returns the map that rectifies the picture up to the scale and offset of each axis: horizontal rules then run
    /// along x and vertical ones along y. The scales are 1 at the centre. Nil if there are too few rules.
    static func rectification(_ segments: [RuleSegment], size: Point) -> Homography? {
        let across = segments.filter(\.isHorizontal), down = segments.filter { !$0.isHorizontal }
        let centre = size / 2, scale = size.x + size.y
        guard let tilt = medianTilt(across) ?? medianTilt(down) else { return nil }
        // A few short rules determine only the direction.
        let horizontal =
            point(across, tilt: tilt, centre: centre, scale: scale) ?? SIMD3(1, tilt, 0)
        let vertical =
            point(down, tilt: medianTilt(down) ?? tilt, centre: centre, scale: scale)
            ?? SIMD3(-(medianTilt(down) ?? tilt), 1, 0)
        // Columns: the images of the points at infinity of x and y, and of the centre.
        let forward = Homography([
            SIMD3(horizontal.x, vertical.x, 0), SIMD3(horizontal.y, vertical.y, 0), SIMD3(horizontal.z, vertical.z, 1),
        ])
        let middle = Homography(scale: Point(1 / scale, 1 / scale), offset: -centre / scale)
        guard let inverse = forward.inverse else { return nil }
        let map = inverse.after(middle)
        let steps = map.steps(at: centre)
        guard steps.x.length > 0, steps.y.length > 0 else { return nil }
        return Homography(scale: Point(1 / steps.x.length, 1 / steps.y.length), offset: .zero).after(map)
    }

    /// Returns the length-weighted median of dy/dx of horizontal rules, or of −dx/dy of vertical ones.
    private static func medianTilt(_ segments: [RuleSegment]) -> Double? {
        let sorted = segments.map { (tilt: tilt($0), weight: $0.length) }.sorted { $0.tilt < $1.tilt }
        let half = sorted.reduce(0) { $0 + $1.weight } / 2
        var seen = 0.0
        for item in sorted {
            seen += item.weight
            if seen >= half { return item.tilt }
        }
        return nil
    }

    private static func tilt(_ s: RuleSegment) -> Double {
        let d = s.end - s.start
        return s.isHorizontal ? d.y / d.x : -d.x / d.y
    }

    /// Returns the vanishing point of `segments` in the coordinates `(p − centre) / scale`, as the homogeneous vector
    /// (1, slope, bend), or (−slope, 1, bend) for vertical rules. It is found by iteratively reweighted least squares,
    /// which gives outliers little weight. Nil if there are too few segments.
    private static func point(
        _ segments: [RuleSegment], tilt: Double, centre: Point, scale: Double
    ) -> SIMD3<Double>? {
        guard segments.count >= 3, let isHorizontal = segments.first?.isHorizontal else { return nil }
        let all = segments.map { $0.mapped { ($0 - centre) / scale } }
        var (slope, bend) = (tilt, 0.0)
        for iteration in 0..<12 {
            // A rule at m has the slope `(slope − m.y·bend) / (1 − m.x·bend)`, or with x and y exchanged.
            var sums = LeastSquares(unknowns: 2)
            var support = 0.0
            for s in all {
                let m = s.middle, d = s.end - s.start
                let (along, across, u, v) = isHorizontal ? (d.x, d.y, m.x, m.y) : (d.y, -d.x, m.y, -m.x)
                let own = across / along
                let residual = own - (slope - v * bend) / (1 - u * bend)
                let width = iteration < 4 ? 0.03 : 0.008
                let weight = s.length * s.length / (1 + residual * residual / (width * width))
                // own·(1 − u·bend) = slope − v·bend
                sums.add(SIMD8(1, own * u - v, 0, 0, 0, 0, 0, 0), own, weight: weight)
                if abs(residual) < 2 * width { support += s.length }
            }
            // A weak prior: few rules do not determine the bend.
            sums.add(SIMD8(0, 1, 0, 0, 0, 0, 0, 0), 0, weight: 1e-6)
            guard support > 0.1, let solution = sums.solution() else { return nil }
            (slope, bend) = (solution[0], max(-0.6, min(0.6, solution[1])))
        }
        return isHorizontal ? SIMD3(1, slope, bend) : SIMD3(-slope, 1, bend)
    }
}
