import Foundation

/// How well a page lies on a picture, and how it comes to lie better.
struct PageFit {
    let plan: FormPagePlan
    let observed: ObservedPage
    /// Points on the page's lines.
    private let samples: [Sample]
    /// Where the page has lines, coarsely: what is seen elsewhere speaks against a fit.
    private let printed: [ObservedPage.Raster]
    private let printedScale: Double

    private struct Sample {
        var point: Point
        var isHorizontal: Bool
        /// Whether it is the first or the last of its line.
        var isEnd: Bool
    }

    struct Score {
        /// Share of the page's lines and marks, of those inside the picture, that are seen.
        var recall = 0.0
        /// Share of what is seen on the page that is its own.
        var precision = 0.0
        /// Share of the page's lines and marks that are inside the picture.
        var inside = 0.0

        var value: Double { recall * (0.6 + 0.4 * precision) * min(1, 1.25 * inside) }
    }

    /// Samples of a line, of the page's longer side.
    private static let step = 1.0 / 150
    private static let markWeight = 8.0

    init(_ plan: FormPagePlan, _ observed: ObservedPage) {
        (self.plan, self.observed) = (plan, observed)
        let longer = max(plan.size.x, plan.size.y)
        samples = plan.segments.flatMap { segment -> [Sample] in
            let count = max(2, Int(segment.length / (Self.step * longer)))
            return (0...count).map { index in
                let share = Double(index) / Double(count)
                return Sample(
                    point: segment.start + (segment.end - segment.start) * share, isHorizontal: segment.isHorizontal,
                    isEnd: index == 0 || index == count)
            }
        }
        let scale = 600 / longer
        printedScale = scale
        printed = [true, false].map { isHorizontal in
            ObservedPage.Raster(
                plan.segments.map { $0.mapped { $0 * scale } }, isHorizontal: isHorizontal, size: plan.size * scale,
                reach: 4)
        }
    }

    // MARK: - Score

    /// Whether rules that run along the page's x run along the picture's.
    private func keepsDirections(_ map: Homography) -> Bool {
        let step = map.steps(at: plan.size / 2).x
        return abs(step.x) >= abs(step.y)
    }

    /// - Parameter isFine: Whether lines are to be where they should to the pixel; else every third sample
    ///   is looked at, and not what speaks against the fit.
    func score(_ map: Homography, isFine: Bool) -> Score {
        let keeps = keepsDirections(map)
        var (hits, inside, all) = (0.0, 0.0, 0.0)
        for index in stride(from: 0, to: samples.count, by: isFine ? 1 : 3) {
            let sample = samples[index]
            all += 1
            let p = map(sample.point)
            guard map.depth(sample.point) > 0, observed.isInside(p) else { continue }
            inside += 1
            if observed.segment(at: p, isHorizontal: sample.isHorizontal == keeps, isFine ? .fine : .coarse) != nil {
                hits += 1
            }
        }
        for mark in plan.marks {
            all += Self.markWeight
            let p = map(mark.centre)
            guard map.depth(mark.centre) > 0, observed.isInside(p) else { continue }
            inside += Self.markWeight
            if self.mark(mark, map, reach: isFine ? 4 : 12) != nil { hits += Self.markWeight }
        }
        guard all > 0, inside > 0 else { return Score() }
        return Score(
            recall: hits / inside, precision: isFine ? precision(map, keeps) : 1, inside: inside / all)
    }

    private func mark(_ mark: PageBox, _ map: Homography, reach: Double) -> MarkDetector.Mark? {
        let side = map.scale(at: mark.centre) * (mark.width * mark.height).squareRoot()
        return observed.mark(at: map(mark.centre), side: side, reach: reach)
    }

    private func precision(_ map: Homography, _ keeps: Bool) -> Double {
        guard let back = map.inverse, !plan.segments.isEmpty else { return plan.segments.isEmpty ? 1 : 0 }
        var (hits, all) = (0, 0)
        for segment in observed.segments where segment.length >= 16 {
            let count = max(1, Int(segment.length / 8))
            for index in 0...count {
                let p = segment.start + (segment.end - segment.start) * (Double(index) / Double(count))
                let q = back(p)
                guard back.depth(p) > 0, q.x >= 0, q.y >= 0, q.x <= plan.size.x, q.y <= plan.size.y else { continue }
                all += 1
                let isHorizontal = segment.isHorizontal == keeps
                if printed[isHorizontal ? 0 : 1][q * printedScale] != nil { hits += 1 }
            }
        }
        return all > 0 ? Double(hits) / Double(all) : 0
    }

    /// Share of the lines of `boxes` that are seen where `map` has them; nil where nothing of them could be looked at.
    func recall(of boxes: [PageBox], _ map: Homography) -> Double? {
        let keeps = keepsDirections(map)
        let tolerance = 0.002 * max(plan.size.x, plan.size.y)
        var (hits, all) = (0, 0)
        for sample in samples {
            let p = sample.point
            let isOwn = boxes.contains { box in
                let padded = box.padded(tolerance, tolerance)
                return p.x >= padded.x && p.y >= padded.y && p.x <= padded.right && p.y <= padded.bottom
            }
            guard isOwn else { continue }
            all += 1
            let q = map(p)
            if observed.segment(at: q, isHorizontal: sample.isHorizontal == keeps, .fine) != nil { hits += 1 }
        }
        return all > 0 ? Double(hits) / Double(all) : nil
    }

    // MARK: - Refinement

    /// Gauss–Newton steps that bring the page's lines onto those that are seen, and its marks; those that miss by much count
    /// little (Cauchy weights).
    /// - Parameter isWide: Whether lines may miss by much at first.
    /// - Returns: The map, and the root mean square of what is left, pixels.
    func refined(_ start: Homography, isWide: Bool) -> (map: Homography, error: Double) {
        var (map, error) = (start, 0.0)
        let rounds: [(ObservedPage.Reach, Int)] = [(.wide, isWide ? 6 : 0), (.coarse, 4), (.fine, 4)]
        for (reach, count) in rounds {
            for _ in 0..<count {
                guard let (next, left) = step(map, reach) else { return (map, error) }
                (map, error) = (next, left)
            }
        }
        return (map, error)
    }

    private func step(_ map: Homography, _ reach: ObservedPage.Reach) -> (Homography, Double)? {
        let keeps = keepsDirections(map)
        let scale = 1 / plan.size.length, width = 0.35 * Double(reach.rawValue)
        var sums = LeastSquares(unknowns: 8)
        var (squares, weights) = (0.0, 0.0)
        /// That the image of `p` should move by −r along n.
        func add(_ p: Point, _ n: Point, _ r: Double, weight: Double) {
            let w = map.depth(p), q = map(p), u = p * scale
            let (a, b) = (n.x / w, n.y / w), c = -(a * q.x + b * q.y)
            let coefficients = SIMD8(a * u.x, a * u.y, a, b * u.x, b * u.y, b, c * u.x, c * u.y)
            let robust = weight / (1 + r * r / (width * width))
            sums.add(coefficients, -r, weight: robust)
            squares += robust * r * r
            weights += robust
        }
        for sample in samples {
            let p = map(sample.point)
            guard map.depth(sample.point) > 0,
                let index = observed.segment(at: p, isHorizontal: sample.isHorizontal == keeps, reach)
            else { continue }
            let seen = observed.segments[index], along = (seen.end - seen.start) / seen.length
            let normal = Point(-along.y, along.x)
            add(sample.point, normal, ((p - seen.start) * normal).sum(), weight: 1)
            // Where lines end is known less well than where they run.
            guard sample.isEnd else { continue }
            let ends = [seen.start, seen.end].map { ((p - $0) * along).sum() }
            if let miss = ends.min(by: { abs($0) < abs($1) }), abs(miss) < 10 {
                add(sample.point, along, miss, weight: 0.3)
            }
        }
        for mark in plan.marks {
            guard let seen = self.mark(mark, map, reach: reach == .fine ? 5 : 25) else { continue }
            let miss = map(mark.centre) - seen.centre
            add(mark.centre, Point(1, 0), miss.x, weight: Self.markWeight)
            add(mark.centre, Point(0, 1), miss.y, weight: Self.markWeight)
        }
        guard weights > 0 else { return nil }
        // What nothing is known of stays.
        for index in 0..<8 {
            var row = SIMD8<Double>.zero
            row[index] = 1
            sums.add(row, 0, weight: index < 6 ? 1e-4 : 1)
        }
        guard let d = sums.solution() else { return nil }
        let next = Homography([
            map.rows[0] + SIMD3(d[0] * scale, d[1] * scale, d[2]),
            map.rows[1] + SIMD3(d[3] * scale, d[4] * scale, d[5]),
            map.rows[2] + SIMD3(d[6] * scale, d[7] * scale, 0),
        ])
        return (next, (squares / weights).squareRoot())
    }
}
