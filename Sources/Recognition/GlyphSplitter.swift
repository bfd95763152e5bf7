import Foundation
import Pictures

/// Splits a glyph that is too wide for one character into the parts that a classifier is most confident of.
///
/// Candidate cuts are the paths from top to bottom that cross the least ink. The cost of a path through pixels p is
/// `Σ ink(p) + 0.02·|sideways steps|`, with at most one column sideways per row; dynamic programming finds the cheapest
/// path near each of some evenly spaced columns. Of all subsets of the cuts, the one is chosen that maximises
///
///     Σ over parts of  wᵢ·(log pᵢ − qᵢ)  −  Σ over cuts of (0.15 + 0.25·cᵢ/s)
///
/// where wᵢ is the part's fraction of the width, pᵢ the classifier's largest probability for it,
/// `qᵢ = max(0, aᵢ − 1) + 2·max(0, 0.8 − hᵢ)` a penalty for parts that are too wide or too low (width aᵢ and height hᵢ
/// are in units of a character's height), cᵢ the ink that a cut crosses, in pixels, and s the stroke width.
struct GlyphSplitter {
    /// Returns the classifier's largest probability for each glyph.
    typealias Score = ([Glyph]) -> [Double]

    /// The height of a character in pixels.
    package let characterHeight: Double
    let score: Score

    /// The maximum number of candidate cuts.
    private static let mostCuts = 12
    /// The aspect ratio from which on a glyph is a drawn line rather than a word.
    private static let mostCharacters = 64
    /// The aspect ratio up to which a confidently read glyph is not split.
    private static let narrow = 0.85

    /// Returns the parts of `glyph` from left to right, or `glyph` alone if it is not split.
    func parts(of glyph: Glyph) -> [Glyph] {
        let height = min(max(characterHeight, Double(glyph.box.height) * 0.7), Double(glyph.box.height))
        let aspect = Double(glyph.box.width) / max(height, 1)
        guard aspect > 0.7, glyph.box.width >= 8, aspect < Double(Self.mostCharacters),
            Double(glyph.box.height) >= 0.6 * characterHeight
        else { return [glyph] }
        // Most digits are narrower than they are high.
        if aspect <= Self.narrow, score([glyph])[0] >= 0.9 { return [glyph] }
        let cuts = candidates(glyph, height: height)
        return cuts.isEmpty ? [glyph] : best(glyph, cuts, height: height)
    }

    /// A path from top to bottom, given by its column in each row.
    private struct Cut {
        var path: [Int]
        /// The ink that the path crosses, in pixels.
        var cost: Double

        var middle: Double { Double(path.reduce(0, +)) / Double(path.count) }
    }

    /// Returns the parts between the optimal cuts, by dynamic programming from left to right.
    private func best(_ glyph: Glyph, _ cuts: [Cut], height: Double) -> [Glyph] {
        let ends = [-1, glyph.stride].map { Cut(path: [Int](repeating: max($0, 0), count: glyph.rows), cost: 0) }
        let cuts = [ends[0]] + cuts + [ends[1]]
        var pieces: [(from: Int, to: Int, glyph: Glyph)] = []
        for i in 0..<(cuts.count - 1) {
            for j in (i + 1)..<cuts.count {
                let isWhole = i == 0 && j == cuts.count - 1
                if isWhole {
                    pieces.append((i, j, glyph))
                } else if let part = glyph.part(from: cuts[i].path, to: cuts[j].path),
                    Double(part.box.width) <= 1.5 * height, Double(part.box.height) >= 0.6 * height
                {
                    pieces.append((i, j, part))
                }
            }
        }
        let probabilities = score(pieces.map(\.glyph)), stroke = glyph.strokeWidth
        var bestTo = [(value: Double, piece: Int)?](repeating: nil, count: cuts.count)
        bestTo[0] = (0, -1)
        // Pieces are sorted by their start, so `bestTo[from]` is final.
        for (index, piece) in pieces.enumerated() {
            guard let before = bestTo[piece.from] else { continue }
            let share = (cuts[piece.to].middle - cuts[piece.from].middle) / Double(glyph.stride)
            let aspect = Double(piece.glyph.box.width) / height
            let penalty =
                max(0, aspect - 1)
                + 2 * max(0, 0.8 - Double(piece.glyph.box.height) / height)
            let cut = piece.to == cuts.count - 1 ? 0 : 0.15 + 0.25 * cuts[piece.to].cost / stroke
            let value = before.value + share * (log(max(probabilities[index], 1e-4)) - penalty) - cut
            if let known = bestTo[piece.to], known.value >= value { continue }
            bestTo[piece.to] = (value, index)
        }
        var result: [Glyph] = []
        var at = cuts.count - 1
        while at > 0, let found = bestTo[at] {
            result.append(pieces[found.piece].glyph)
            at = pieces[found.piece].from
        }
        return result.reversed()
    }

    /// Returns the candidate cuts from left to right.
    private func candidates(_ glyph: Glyph, height: Double) -> [Cut] {
        let (columns, rows) = (glyph.stride, glyph.rows)
        // cost[row, column]: the cost of the cheapest path from the top to that pixel.
        var cost = [Double](repeating: 0, count: columns * rows)
        for row in 0..<rows {
            for column in 0..<columns {
                let ink = Double(min(glyph.ink[row * columns + column], 1))
                guard row > 0 else {
                    cost[column] = ink
                    continue
                }
                var least = cost[(row - 1) * columns + column]
                if column > 0 { least = min(least, cost[(row - 1) * columns + column - 1] + 0.02) }
                if column + 1 < columns { least = min(least, cost[(row - 1) * columns + column + 1] + 0.02) }
                cost[row * columns + column] = ink + least
            }
        }
        let spacing = max(3, Int(0.15 * height))
        var seen: Set<[Int]> = []
        var found: [Cut] = []
        for start in stride(from: glyph.margin, to: columns - glyph.margin, by: spacing) {
            let window = start..<min(start + spacing, columns - glyph.margin)
            let last = (rows - 1) * columns
            guard let column = window.min(by: { cost[last + $0] < cost[last + $1] }) else { continue }
            let path = trace(cost, columns: columns, rows: rows, from: column)
            if seen.insert(path).inserted { found.append(Cut(path: path, cost: cost[last + column])) }
        }
        // Cuts must not cross: of two that do, the cheaper is kept.
        var kept: [Cut] = []
        for cut in found.sorted(by: { $0.cost < $1.cost }).prefix(Self.mostCuts)
        where kept.allSatisfy({ other in
            let pairs = zip(cut.path, other.path)
            return pairs.allSatisfy { $0 <= $1 } || pairs.allSatisfy { $0 >= $1 }
        }) {
            kept.append(cut)
        }
        return kept.sorted { $0.middle < $1.middle }
    }

    private func trace(_ cost: [Double], columns: Int, rows: Int, from column: Int) -> [Int] {
        var path = [Int](repeating: column, count: rows)
        for row in stride(from: rows - 2, through: 0, by: -1) {
            let below = path[row + 1]
            var best = (column: below, cost: cost[row * columns + below])
            for (next, extra) in [(below - 1, 0.02), (below + 1, 0.02)] where next >= 0 && next < columns {
                let value = cost[row * columns + next] + extra
                if value < best.cost { best = (next, value) }
            }
            path[row] = best.column
        }
        return path
    }
}
