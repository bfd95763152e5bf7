import Foundation

/// Finds initial guesses of a page's position in a picture, from its lines and from its marks, for later refinement.
struct RegistrationSearch {
    let plan: FormPagePlan
    let observed: ObservedPage

    /// The range of scales tried, relative to the one at which the page fills the picture.
    private static let scales = 0.5...1.5
    private static let scaleStep = 1.005
    /// The maximum number of offsets kept per scale.
    private static let mostPeaks = 3
    /// The maximum number of guesses per axis.
    private static let mostFits = 12
    /// The range of the ratio of the two axes' scales: perspective shortens one of them.
    static let aspects = 0.85...1.18
    private static let bin = 2.0

    // MARK: - Lines

    /// The fit of one axis of a page, `place = scale · X + offset`.
    private struct AxisFit {
        var scale: Double
        var offset: Double
        var votes: Double
    }

    private struct AxisLine {
        var place: Double
        var length: Double
    }

    /// Returns maps from the page to the picture, most votes first, for the given numbers of quarter turns.
    func fromLines(turns: [Int]) -> [Homography] {
        guard let upright = Vanishing.rectification(observed.segments, size: observed.size), let back = upright.inverse
        else { return [] }
        let seen = observed.segments.map { $0.mapped { upright($0) } }
        func lines(_ segments: [RuleSegment], horizontal: Bool) -> [AxisLine] {
            segments.filter { $0.isHorizontal == horizontal }.map {
                AxisLine(place: horizontal ? $0.middle.y : $0.middle.x, length: $0.length)
            }
        }
        let (seenAcross, seenDown) = (lines(seen, horizontal: true), lines(seen, horizontal: false))
        var guesses: [(map: Homography, votes: Double)] = []
        for turn in turns {
            let turned = Self.turn(turn, plan.size)
            let page = plan.segments.map { segment -> RuleSegment in
                var s = segment.mapped { turned($0) }
                if turn % 2 == 1 { s.isHorizontal.toggle() }
                return s
            }
            let extent = turn % 2 == 1 ? Point(plan.size.y, plan.size.x) : plan.size
            let base = (observed.size.x / extent.x * observed.size.y / extent.y).squareRoot()
            let down = Self.fits(lines(page, horizontal: true), seenAcross, base: base, extent: extent.y)
            let across = Self.fits(lines(page, horizontal: false), seenDown, base: base, extent: extent.x)
            for y in down {
                for x in across where Self.aspects.contains(x.scale / y.scale) {
                    let placed = Homography(scale: Point(x.scale, y.scale), offset: Point(x.offset, y.offset))
                    guesses.append((back.after(placed).after(turned), x.votes + y.votes))
                }
            }
        }
        return guesses.sorted { $0.votes > $1.votes }.map(\.map)
    }

    /// Returns the rotation of the page by quarter turns, translated so that the rotated page starts at the origin.
    static func turn(_ quarters: Int, _ size: Point) -> Homography {
        switch quarters {
        case 1: Homography([SIMD3(0, -1, size.y), SIMD3(1, 0, 0), SIMD3(0, 0, 1)])
        case 2: Homography([SIMD3(-1, 0, size.x), SIMD3(0, -1, size.y), SIMD3(0, 0, 1)])
        case 3: Homography([SIMD3(0, 1, 0), SIMD3(-1, 0, size.x), SIMD3(0, 0, 1)])
        default: .identity
        }
    }

    /// Fits one axis by voting: at each scale, every pair of a page line and an observed line votes for the offset that
    /// aligns them.
    private static func fits(_ page: [AxisLine], _ seen: [AxisLine], base: Double, extent: Double) -> [AxisFit] {
        guard page.count >= 2, seen.count >= 2 else { return [] }
        let page = distinct(page), least = seen.map(\.place).min() ?? 0, greatest = seen.map(\.place).max() ?? 0
        var found: [AxisFit] = []
        var scale = scales.lowerBound * base
        while scale <= scales.upperBound * base {
            let low = least - scale * extent
            let bins = Int((greatest - low) / bin) + 3
            var votes = [Double](repeating: 0, count: bins)
            for line in page {
                let start = scale * line.place + low, length = scale * line.length
                for other in seen {
                    let index = Int((other.place - start) * (1 / bin))
                    guard index >= 0, index < bins else { continue }
                    votes[index] += min(length, other.length)
                }
            }
            var peaks: [AxisFit] = []
            for index in 1..<(bins - 1) where votes[index] >= votes[index - 1] && votes[index] > votes[index + 1] {
                let sum = votes[index - 1] + votes[index] + votes[index + 1]
                guard peaks.count < mostPeaks || sum > peaks[mostPeaks - 1].votes else { continue }
                let place = peaks.firstIndex { $0.votes < sum } ?? peaks.count
                peaks.insert(
                    AxisFit(scale: scale, offset: low + (Double(index) + 0.5) * bin, votes: sum), at: place)
                if peaks.count > mostPeaks { peaks.removeLast() }
            }
            found += peaks
            scale *= scaleStep
        }
        var best: [AxisFit] = []
        for fit in found.sorted(by: { $0.votes > $1.votes }) {
            func isNear(_ other: AxisFit) -> Bool {
                let middle = extent / 2
                return abs(other.scale / fit.scale - 1) < 0.02
                    && abs(other.offset + other.scale * middle - fit.offset - fit.scale * middle) < 8
            }
            if !best.contains(where: isNear) { best.append(fit) }
            if best.count == mostFits { break }
        }
        return best
    }

    /// Merges lines at the same position.
    private static func distinct(_ lines: [AxisLine]) -> [AxisLine] {
        var result: [AxisLine] = []
        for line in lines.sorted(by: { $0.place < $1.place }) {
            if let last = result.last, line.place - last.place < 1e-6 * max(1, abs(line.place)) {
                result[result.count - 1].length += line.length
            } else {
                result.append(line)
            }
        }
        return result
    }

    // MARK: - Marks

    /// Returns maps from the page to the picture: each matches two distant marks of the page to two observed ones, and
    /// is supported by further marks at their expected positions.
    func fromMarks() -> [Homography] {
        let page = plan.marks.map(\.centre), seen = observed.marks
        guard page.count >= 3, seen.count >= 3, seen.count <= 200 else { return [] }
        let base = (observed.size.x * observed.size.y / (plan.size.x * plan.size.y)).squareRoot()
        let reach = 0.07 * max(observed.size.x, observed.size.y)
        var guesses: [(map: Homography, error: Double)] = []
        for i in page.indices {
            for j in page.indices where j > i && (page[i] - page[j]).length > 0.3 * plan.size.length {
                for a in seen.indices {
                    for b in seen.indices where a != b {
                        let ratio = (seen[a].centre - seen[b].centre).length / (page[i] - page[j]).length / base
                        guard Self.scales.contains(ratio) else { continue }
                        let map = Homography(from: page[i], page[j], to: seen[a].centre, seen[b].centre)
                        if let guess = completed(map, [i: a, j: b], reach: reach) { guesses.append(guess) }
                    }
                }
            }
        }
        return guesses.sorted { $0.error < $1.error }.prefix(40).map(\.map)
    }

    /// Refits `map` to all marks observed near their expected positions: affine from three, projective from four.
    private func completed(
        _ map: Homography, _ pairs: [Int: Int], reach: Double
    ) -> (map: Homography, error: Double)? {
        var pairs = pairs
        var missing = 0, error = 0.0
        for (index, mark) in plan.marks.enumerated() where pairs[index] == nil {
            let place = map(mark.centre)
            let near = observed.marks.indices.filter { !pairs.values.contains($0) }
                .min { (observed.marks[$0].centre - place).length < (observed.marks[$1].centre - place).length }
            if let near, (observed.marks[near].centre - place).length <= reach {
                pairs[index] = near
                error += (observed.marks[near].centre - place).length / reach
            } else {
                missing += 1
            }
        }
        guard pairs.count >= 3 else { return pairs.count == 2 && plan.marks.count == 3 ? (map, error + 2) : nil }
        let isProjective = pairs.count >= 4
        var sums = LeastSquares(unknowns: isProjective ? 8 : 6)
        let scale = 1 / plan.size.length
        for (index, seen) in pairs.sorted(by: { $0.key < $1.key }) {
            let p = plan.marks[index].centre * scale, q = observed.marks[seen].centre
            let t = isProjective ? 1.0 : 0
            sums.add(SIMD8(p.x, p.y, 1, 0, 0, 0, -t * q.x * p.x, -t * q.x * p.y), q.x, weight: 1)
            sums.add(SIMD8(0, 0, 0, p.x, p.y, 1, -t * q.y * p.x, -t * q.y * p.y), q.y, weight: 1)
        }
        guard let h = sums.solution() else { return nil }
        let fitted = Homography([
            SIMD3(h[0] * scale, h[1] * scale, h[2]), SIMD3(h[3] * scale, h[4] * scale, h[5]),
            SIMD3(h[6] * scale, h[7] * scale, 1),
        ])
        // A scan never mirrors the page.
        let steps = fitted.steps(at: plan.size / 2)
        guard steps.x.x * steps.y.y - steps.x.y * steps.y.x > 0 else { return nil }
        return (fitted, error + Double(missing) * 2)
    }
}
