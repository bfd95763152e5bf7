import Foundation

/// Scores and refines the registration of a page on a picture.
struct PageFit {
    let plan: FormPagePlan
    let observed: ObservedPage
    /// The sample points on the page's lines.
    private let samples: [Sample]
    /// Coarse rasters of the page's lines: lines observed elsewhere count against a fit.
    private let printed: [ObservedPage.Raster]
    private let printedScale: Double

    private struct Sample {
        var point: Point
        var isHorizontal: Bool
        /// Whether the sample is the first or the last of its line.
        var isEnd: Bool
    }

    struct Score {
        /// The fraction of the page's lines and marks inside the picture that are detected.
        var recall = 0.0
        /// The fraction of the lines detected on the page that belong to it.
        var precision = 0.0
        /// The fraction of the page's lines and marks that lie inside the picture.
        var inside = 0.0

        var value: Double { recall * (0.6 + 0.4 * precision) * min(1, 1.25 * inside) }
    }

    /// The distance between samples, as a fraction of the page's longer side.
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

    /// Returns whether the page's horizontal rules are horizontal in the picture.
    private func keepsDirections(_ map: Homography) -> Bool {
        let step = map.steps(at: plan.size / 2).x
        return abs(step.x) >= abs(step.y)
    }

    /// Scores a map from the page to the picture.
    /// - Parameter isFine: Whether to use the fine tolerance and all samples; otherwise the tolerance is coarse, only
    ///   every third sample is used, and precision is not computed.
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

    /// Returns the fraction of the lines of `boxes` that are detected where `map` has them; nil without samples.
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

    /// Refines a map by Gauss–Newton steps that align the page's lines and marks with the detected ones, with Cauchy
    /// weights to limit the influence of outliers.
    /// - Parameter isWide: Whether to start with a wide tolerance.
    /// - Returns: The map, and the root mean square of the residuals in pixels.
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
        /// Adds the observation that the image of `p` should move by −r along n.
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
            // The ends of lines are located less accurately than the lines themselves.
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
        // Regularises towards no change.
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
