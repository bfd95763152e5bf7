/// From where the lines of a page, parallel on paper, run in a picture of it.
enum Vanishing {
    /// The map that makes the picture's rules upright again, up to the scale and place of each axis: in its image horizontal
    /// rules run along x and vertical ones along y. Scales are 1 at the middle. Nil where there are too few rules.
    static func rectification(_ segments: [RuleSegment], size: Point) -> Homography? {
        let across = segments.filter(\.isHorizontal), down = segments.filter { !$0.isHorizontal }
        let centre = size / 2, scale = size.x + size.y
        guard let tilt = medianTilt(across) ?? medianTilt(down) else { return nil }
        // Of few short rules the direction is all that can be said.
        let horizontal =
            point(across, tilt: tilt, centre: centre, scale: scale) ?? SIMD3(1, tilt, 0)
        let vertical =
            point(down, tilt: medianTilt(down) ?? tilt, centre: centre, scale: scale)
            ?? SIMD3(-(medianTilt(down) ?? tilt), 1, 0)
        // Columns: where x, y at infinity and the middle go.
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

    /// dy/dx of horizontal rules, −dx/dy of vertical ones: the median by length.
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

    /// The vanishing point of `segments` in coordinates `(p − centre) / scale`: the unit vector v with the least `Σ w·(ℓ·v)²`, found
    /// as 1 (or −tilt), tilt + δ₁, δ₂ by least squares, reweighted so that strays count little. Nil of too few.
    private static func point(
        _ segments: [RuleSegment], tilt: Double, centre: Point, scale: Double
    ) -> SIMD3<Double>? {
        guard segments.count >= 3, let isHorizontal = segments.first?.isHorizontal else { return nil }
        let all = segments.map { $0.mapped { ($0 - centre) / scale } }
        var (slope, bend) = (tilt, 0.0)
        for iteration in 0..<12 {
            // A rule at m has slope `(slope − m.y·bend) / (1 − m.x·bend)`, or with x and y exchanged.
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
            // Nothing is known of the bend of few rules.
            sums.add(SIMD8(0, 1, 0, 0, 0, 0, 0, 0), 0, weight: 1e-6)
            guard support > 0.1, let solution = sums.solution() else { return nil }
            (slope, bend) = (solution[0], max(-0.6, min(0.6, solution[1])))
        }
        return isHorizontal ? SIMD3(1, slope, bend) : SIMD3(-slope, 1, bend)
    }
}
