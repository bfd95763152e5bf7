/// A printed line in a known place, such as one of a form's field, to be removed from the ink.
///
/// Across the line, the ink near it is removed, soft edges included, where it is hardly thicker than the line itself;
/// where it is thicker, a stroke crosses the line and is kept.
package struct KnownRule: Hashable, Sendable {
    package var isHorizontal: Bool
    /// The position across the line, in pixels.
    package var place: Double
    /// The start along the line, in pixels.
    package var low: Double
    package var high: Double

    package init(isHorizontal: Bool, place: Double, low: Double, high: Double) {
        (self.isHorizontal, self.place, self.low, self.high) = (isHorizontal, place, low, high)
    }
}

extension InkMap {
    /// Thresholds, as shares of the ink's level: above the first is a rule's ink, below the second no ink.
    private static let (ruleInk, noInk): (Float, Float) = (0.25, 0.1)

    /// Removes printed lines.
    /// - Parameters:
    ///   - reach: The distance in pixels by which a line may be off its place.
    ///   - gap: The distance between two places where strokes touch a line, within which they may run along it.
    /// - Returns: The ink with the lines kept where strokes may run within them; nil if none do.
    @discardableResult
    package mutating func remove(_ rules: [KnownRule], reach: Int, gap: Int) -> InkMap? {
        var hidden: [(index: Int, value: Float)] = []
        for rule in rules { remove(rule, reach: reach, gap: gap, &hidden) }
        guard !hidden.isEmpty else { return nil }
        var other = self
        for pixel in hidden { other.ink[pixel.index] = pixel.value }
        return other
    }

    private mutating func remove(
        _ rule: KnownRule, reach: Int, gap: Int, _ hidden: inout [(index: Int, value: Float)]
    ) {
        let (extent, end) = rule.isHorizontal ? (width, height) : (height, width)
        let first = max(0, Int(rule.low.rounded(.down)) - reach)
        let last = min(extent, Int(rule.high.rounded(.up)) + reach)
        guard first < last else { return }
        /// Returns the ink that covers the line's place at `along`; nil if there is none.
        func run(_ along: Int) -> ClosedRange<Int>? {
            let middle = Int(rule.place.rounded(.down))
            func isInk(_ across: Int) -> Bool {
                across >= 0 && across < end && ink[index(across, along)] > Self.ruleInk
            }
            guard
                let start = (0...reach).lazy.flatMap({ [middle - $0, middle + $0] }).first(where: isInk)
            else { return nil }
            var (low, high) = (start, start)
            while isInk(low - 1) { low -= 1 }
            while isInk(high + 1) { high += 1 }
            return low...high
        }
        func index(_ across: Int, _ along: Int) -> Int {
            rule.isHorizontal ? across &* width &+ along : along &* width &+ across
        }
        let runs = (first..<last).map(run)
        let widths = runs.compactMap { $0?.count }.sorted()
        guard !widths.isEmpty else { return }
        // Most of a line is not touched by strokes.
        let thickness = widths[widths.count / 4], limit = thickness + 2
        guard thickness <= Self.mostThickness + reach else { return }
        let line = Self.line(through: runs, limit: limit)
        let touched = Self.touched(runs, limit: thickness + 1, gap: gap)
        for (offset, run) in runs.enumerated() {
            guard let run else { continue }
            let along = first + offset
            var (low, high) = (run.lowerBound, run.upperBound)
            func value(_ across: Int) -> Float { ink[index(across, along)] }
            if run.count > limit {
                // A stroke that touches the line from one side is kept except for the line.
                let middle = line(offset), half = Double(thickness) / 2 + 1
                let (before, after) = (Double(low) < middle - half - 1, Double(high) + 1 > middle + half + 1)
                guard before != after else { continue }
                if before { low = max(low, Int((middle - half + 0.5).rounded())) }
                if after { high = min(high, Int((middle + half - 0.5).rounded(.down))) }
                guard low <= high else { continue }
            } else {
                while low > 0, value(low - 1) > Self.noInk, value(low - 1) < value(low) { low -= 1 }
                while high + 1 < end, value(high + 1) > Self.noInk, value(high + 1) < value(high) { high += 1 }
            }
            for across in low...high {
                if touched.contains(where: { $0.contains(offset) }) {
                    hidden.append((index(across, along), ink[index(across, along)]))
                }
                ink[index(across, along)] = 0
            }
        }
    }

    /// Returns the stretches of a line between places where strokes touch it at distances of at most `gap`.
    private static func touched(_ runs: [ClosedRange<Int>?], limit: Int, gap: Int) -> [ClosedRange<Int>] {
        var result: [ClosedRange<Int>] = []
        for (offset, run) in runs.enumerated() where (run?.count ?? 0) > limit {
            if let last = result.last, offset - last.upperBound <= gap {
                result[result.count - 1] = last.lowerBound...offset
            } else {
                result.append(offset...offset)
            }
        }
        // A single crossing stroke does not run along the line.
        return result.filter { $0.count > max(limit, gap / 3) }
    }

    /// The maximum thickness of a line in pixels.
    private static let mostThickness = 8

    /// Returns the middle of a line as a function of the offset along it, by least squares over its free parts.
    private static func line(through runs: [ClosedRange<Int>?], limit: Int) -> (Int) -> Double {
        var (n, s, y, ss, sy) = (0.0, 0.0, 0.0, 0.0, 0.0)
        for (offset, run) in runs.enumerated() {
            guard let run, run.count <= limit else { continue }
            let (u, v) = (Double(offset), Double(run.lowerBound + run.upperBound + 1) / 2)
            n += 1
            s += u
            y += v
            ss += u * u
            sy += u * v
        }
        let determinant = n * ss - s * s
        let slope = determinant > 1e-9 ? (n * sy - s * y) / determinant : 0
        return { n > 0 ? (y - slope * s) / n + slope * Double($0) : 0 }
    }
}
