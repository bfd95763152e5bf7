import Foundation
import Pictures

extension DigitReader {
    /// Every line read whole; nil where one is no line for the network.
    ///
    /// A character that stands apart is looked at by the network of single characters too: of both networks' probabilities the
    /// geometric mean is taken, and the line's probability follows in proportion.
    func read(_ segmentation: Segmentation, by lineReader: LineReader) -> Reading? {
        var reading = Reading(characters: [])
        for groups in segmentation.lines {
            guard let glyph = segmentation.glyph(groups), let line = lineReader.read(glyph) else { return nil }
            guard !line.characters.isEmpty else { continue }
            let number = reading.lineProbabilities.count
            let inputs = line.characters.map { preparation.bytes($0.glyph) }
            let apart = line.characters.indices.filter { line.characters[$0].isApart }
            let second = Dictionary(
                zip(apart, probabilities(of: apart.map { inputs[$0] })), uniquingKeysWith: { first, _ in first })
            var probability = line.probability
            for (index, character) in line.characters.enumerated() {
                let own = character.probabilities
                let joined = second[index].map { Self.geometricMean(own, $0) } ?? own
                let (before, after) = (own.max() ?? 0, joined.max() ?? 0)
                if before > 0 { probability *= after / before }
                reading.characters.append(
                    ReadCharacter(
                        box: character.glyph.box, line: number, input: inputs[index], probabilities: joined))
            }
            reading.lineProbabilities.append(min(1, probability))
        }
        return reading
    }

    /// `√(p·q)`, made to sum to what p does.
    private static func geometricMean(_ p: [Double], _ q: [Double]) -> [Double] {
        let products = zip(p, q).map { ($0 * $1).squareRoot() }
        let total = products.reduce(0, +), share = p.reduce(0, +)
        return total > 0 ? products.map { $0 / total * share } : p
    }
}
