import Foundation

/// Cuts what is too wide for one character into the characters that a classifier is surest of.
///
/// Candidate cuts are the paths from top to bottom that cross least ink: for a path through pixels p,
/// `Σ ink(p) + 0.02·|steps aside|`, at most one column aside a row, found by dynamic programming; the cheapest near each of
/// some evenly spaced columns. Among all ways of taking some of the cuts, the one is kept that maximises
/// `Σ (wᵢ / Σ w) · (log pᵢ − qᵢ)`, where wᵢ is the width of a part, pᵢ the classifier's largest probability for it, and qᵢ
/// a penalty for parts that no character is as wide or as narrow as.
struct GlyphSplitter {
    /// Largest probability of each glyph.
    typealias Score = ([Glyph]) -> [Double]

    /// H, pixels.
    let characterHeight: Double
    let score: Score

    /// Cuts that are tried at most.
    private static let mostCuts = 12
    /// A glyph that is over 64 characters long is a line, no word.
    private static let mostCharacters = 64

    /// `glyph`, or its parts from left to right.
    func parts(of glyph: Glyph) -> [Glyph] {
        let height = min(max(characterHeight, Double(glyph.box.height) * 0.7), Double(glyph.box.height))
        let aspect = Double(glyph.box.width) / max(height, 1)
        guard aspect > 0.75, glyph.box.width >= 8, aspect < Double(Self.mostCharacters) else { return [glyph] }
        // Digits are as wide as high at most, but for a few.
        if aspect <= 1.15, score([glyph])[0] >= 0.95 { return [glyph] }
        let cuts = candidates(glyph, height: height)
        guard !cuts.isEmpty else { return [glyph] }
        let whole = [Int](repeating: 0, count: glyph.rows), end = [Int](repeating: glyph.stride, count: glyph.rows)
        let paths = [whole] + cuts + [end]
        return best(glyph, paths, height: height)
    }

    /// The parts between the chosen of `paths`, by dynamic programming over cuts.
    private func best(_ glyph: Glyph, _ paths: [[Int]], height: Double) -> [Glyph] {
        var pieces: [(from: Int, to: Int, glyph: Glyph)] = []
        for i in 0..<(paths.count - 1) {
            for j in (i + 1)..<paths.count {
                guard let part = glyph.part(from: paths[i], to: paths[j]) else { continue }
                // Too wide for a character, unless it is the whole.
                let isWhole = i == 0 && j == paths.count - 1
                if !isWhole, Double(part.box.width) > 1.4 * height { continue }
                if !isWhole, Double(part.box.height) < 0.4 * height { continue }
                pieces.append((i, j, part))
            }
        }
        let probabilities = score(pieces.map(\.glyph))
        var bestTo = [(sum: Double, width: Double, piece: Int)?](repeating: nil, count: paths.count)
        bestTo[0] = (0, 0, -1)
        // Pieces come sorted by where they begin, so every way to `from` is known.
        for (index, piece) in pieces.enumerated() {
            guard let before = bestTo[piece.from] else { continue }
            let width = Double(piece.glyph.box.width)
            let aspect = width / height
            let penalty = 3 * max(0, aspect - 1.05) + (aspect < 0.1 ? 1 : 0) + 0.05
            let value = log(max(probabilities[index], 1e-4)) - penalty
            let candidate = (before.sum + width * value, before.width + width, index)
            if let known = bestTo[piece.to], known.sum / known.width >= candidate.0 / candidate.1 { continue }
            bestTo[piece.to] = candidate
        }
        var result: [Glyph] = []
        var at = paths.count - 1
        while at > 0, let found = bestTo[at], found.piece >= 0 {
            result.append(pieces[found.piece].glyph)
            at = pieces[found.piece].from
        }
        return at == 0 ? result.reversed() : [glyph]
    }

    /// Paths of least ink, from left to right.
    private func candidates(_ glyph: Glyph, height: Double) -> [[Int]] {
        let (columns, rows) = (glyph.stride, glyph.rows)
        // cost[row, column]: of the cheapest path from the top to there.
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
        var found: [(path: [Int], cost: Double)] = []
        for start in stride(from: glyph.margin, to: columns - glyph.margin, by: spacing) {
            let window = start..<min(start + spacing, columns - glyph.margin)
            let last = (rows - 1) * columns
            guard let column = window.min(by: { cost[last + $0] < cost[last + $1] }) else { continue }
            let path = trace(cost, columns: columns, rows: rows, from: column)
            if seen.insert(path).inserted { found.append((path, cost[last + column])) }
        }
        let cheapest = found.sorted { $0.cost < $1.cost }.prefix(Self.mostCuts)
        // In order, and never crossing: of two that cross, the cheaper stays.
        var kept: [[Int]] = []
        for candidate in cheapest
        where kept.allSatisfy({ other in
            let pairs = zip(candidate.path, other)
            return pairs.allSatisfy { $0 <= $1 } || pairs.allSatisfy { $0 >= $1 }
        }) {
            kept.append(candidate.path)
        }
        return kept.sorted { $0.reduce(0, +) < $1.reduce(0, +) }
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
