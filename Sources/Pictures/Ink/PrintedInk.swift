/// Which pieces of ink are printed, not written: rules, the separators of combs and tables, dotted lines, lattices.
///
/// A written 1 is often nothing but a bar, also a long and thin one. What no hand does is to draw one from end to end of the
/// picture in a hair's breadth, or to repeat one: solid pieces are a comb if they are alike and equally far apart to within
/// τ = max(1.5, 0.015·s) pixels, s being the larger of their length and their distance, in width, height and both places.
/// Written 1s differ by some 4 % of their height, so that each of these is a chance of one in three or less if they are
/// 100 pixels high, and three are enough; of smaller ones more are needed.
struct PrintedInk {
    /// The labels of rules.
    private(set) var rules: Set<Int32> = []
    /// The labels of what stands in combs, and of lattices.
    private(set) var repeated: Set<Int32> = []
    /// The labels of bars that lie, as dashes do: parts of a digit perhaps, but none alone.
    private(set) var lying: Set<Int32> = []

    /// The length in thicknesses above which no pen has drawn a bar; a hair of one pixel counts as 4/3, since a canvas of
    /// 400 pixels may have a 1 of that.
    private static let (longest, leastThickness) = (300.0, 4.0 / 3)
    /// The length in thicknesses from which on a bar from one end of the picture to the other is a rule, and the share of
    /// the picture's height that it spans.
    private static let (leastRule, wholeSide) = (30.0, 0.97)
    /// The least tolerance in pixels, and the share of the length or distance.
    private static let (leastTolerance, tolerance) = (1.5, 0.015)
    /// The length in thicknesses of a thin bar.
    private static let thin = 7.0
    /// The maximum number of pieces to compare, longest first.
    private static let mostBars = 250

    /// - Parameter isCropped: Whether the picture is cropped to its ink, so that a 1 spans it.
    init(_ components: InkComponents, isCropped: Bool) {
        let bars = StraightBar.bars(of: components)
        repeated = Set(Lattice.indices(in: components).map { Int32($0 + 1) })
        for (index, bar) in bars.enumerated() {
            guard let bar else { continue }
            if bar.isHorizontal {
                lying.insert(Int32(index + 1))
            } else if !isCropped, Self.isRule(bar, width: components.width, height: components.height) {
                rules.insert(Int32(index + 1))
            }
        }
        let standing = bars.indices.filter { bars[$0]?.isHorizontal == false }
        for index in Self.combs(standing.compactMap { bars[$0] }) { repeated.insert(Int32(standing[index] + 1)) }
    }

    /// Whether a bar is too long for its thickness to be written, or runs from one end of the picture to the other.
    static func isRule(_ bar: StraightBar, width: Int, height: Int) -> Bool {
        if bar.length > longest * max(bar.thickness, leastThickness) { return true }
        // A picture that is much higher than wide may be cropped to a 1.
        let spans = Double(bar.box.height) >= wholeSide * Double(height) && 2 * width >= height
        return bar.isUpright && spans && bar.length >= leastRule * bar.thickness
    }

    /// Returns the indices of the pieces that stand in combs.
    static func combs(_ bars: [StraightBar]) -> Set<Int> {
        var result: Set<Int> = []
        let order = bars.indices.sorted { bars[$0].length > bars[$1].length }.prefix(mostBars)
        for first in order {
            for second in order where second != first && !(result.contains(first) && result.contains(second)) {
                let chain = chain(first, second, bars, among: order)
                if chain.count >= leastCount(bars[first], bars[second]) { result.formUnion(chain) }
            }
        }
        return result
    }

    /// The number of pieces that are a comb: with few pixels or of little shape, chance makes more of them alike.
    private static func leastCount(_ a: StraightBar, _ b: StraightBar) -> Int {
        let distance = max(abs(a.box.centerX - b.box.centerX), abs(a.box.centerY - b.box.centerY))
        let count = a.length >= 100 ? 3 : max(a.length, distance) >= 40 ? 4 : 6
        return a.length >= thin * a.thickness ? count : max(count, a.isLong ? 5 : 6)
    }

    /// Returns the pieces that continue the step from the first to the second, with these two. Where writing touches one,
    /// it is missing.
    private static func chain(
        _ first: Int, _ second: Int, _ bars: [StraightBar], among order: ArraySlice<Int>
    ) -> [Int] {
        let (a, b) = (bars[first].box, bars[second].box)
        let step = (x: b.centerX - a.centerX, y: b.centerY - a.centerY)
        // Rows from left to right and columns from top to bottom, a little askew.
        guard 10 * abs(step.y) <= step.x || 10 * abs(step.x) <= step.y else { return [] }
        let limit = max(leastTolerance, tolerance * max(bars[first].length, max(step.x, step.y)))
        func isAlike(_ index: Int) -> Bool {
            let (box, difference) = (bars[index].box, abs(bars[index].thickness - bars[first].thickness))
            return abs(Double(box.width - a.width)) <= limit && abs(Double(box.height - a.height)) <= limit
                && difference <= max(1.25, 0.25 * bars[first].thickness)
        }
        // Closer ones cannot be told from each other.
        guard isAlike(second), Double(max(step.x, step.y)) > 2 * limit else { return [] }
        var chain = [first, second], last = b
        /// The one that lies this many steps from the last.
        func next(_ steps: Double) -> Int? {
            order.first { index in
                let box = bars[index].box
                return abs(box.centerX - last.centerX - steps * step.x) <= limit
                    && abs(box.centerY - last.centerY - steps * step.y) <= limit && isAlike(index)
            }
        }
        while let index = next(1) ?? next(2) ?? next(3), !chain.contains(index) {
            chain.append(index)
            last = bars[index].box
        }
        return chain
    }
}
