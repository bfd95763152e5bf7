import Evaluation
import Foundation
import Pictures

extension DigitReader {
    /// The weight of the single-character network in the score of a line's reading.
    private static let weight = 0.5

    /// Reads all lines with the line-reading network; nil if the network cannot read one of them as a line.
    ///
    /// Uncertain readings of a line are rescored by the single-character network, which classifies each part: the
    /// reading with the largest `log P(text) + 0.5·Σ log pᵢ` wins. A character that touches no other then gets the
    /// geometric mean of both networks' probabilities, and the line's probability is scaled accordingly.
    func read(_ segmentation: Segmentation, by lineReader: LineReader) -> Reading? {
        var reading = Reading(characters: [])
        for groups in segmentation.lines {
            guard let glyph = segmentation.glyph(groups) else { return nil }
            guard let line = candidates(glyph, by: lineReader).first else { return nil }
            guard !line.characters.isEmpty else { continue }
            let number = reading.lineProbabilities.count
            reading.characters += line.characters.map { character in
                var character = character
                character.line = number
                return character
            }
            reading.lineProbabilities.append(line.probability)
        }
        return reading
    }

    /// A possible reading of a line.
    package struct LineCandidate: Sendable {
        package var characters: [ReadCharacter]
        /// The probability of the whole text.
        package var probability: Double
        var score: Double
    }

    /// Returns possible readings of a line's ink by both networks, best first; empty if there is no line-reading
    /// network, or if the ink is not a line.
    package func candidates(_ glyph: Glyph) -> [LineCandidate] { lineReader.map { candidates(glyph, by: $0) } ?? [] }

    private func candidates(_ glyph: Glyph, by lineReader: LineReader) -> [LineCandidate] {
        let candidates = lineReader.readings(glyph).map(looked(at:))
        // `sorted` is not guaranteed to be stable: ties keep their order by offset.
        return candidates.enumerated().sorted { ($1.element.score, $0.offset) < ($0.element.score, $1.offset) }
            .map(\.element)
    }

    /// Combines a line's reading with the answers of the single-character network.
    private func looked(at line: LineReader.Line) -> LineCandidate {
        let inputs = line.characters.map { preparation.bytes($0.glyph) }
        let answers = answers(to: inputs), second = answers.map(\.probabilities)
        var result = LineCandidate(
            characters: [], probability: line.probability, score: log(max(line.probability, 1e-300)))
        for (index, character) in line.characters.enumerated() {
            let own = character.probabilities
            result.score += Self.weight * log(max(second[index][line.text[index]], 1e-6))
            let joined = character.isApart ? Self.geometricMean(own, second[index]) : own
            let (before, after) = (own.max() ?? 0, joined.max() ?? 0)
            if before > 0 { result.probability = min(1, result.probability * after / before) }
            result.characters.append(
                ReadCharacter(
                    box: character.glyph.box, line: 0, input: inputs[index], probabilities: joined,
                    // A part cut from touching strokes resembles nothing that the single-character network knows.
                    familiarity: character.isApart ? answers[index].familiarity : character.familiarity))
        }
        // Letters of a word may each pass for an unusual digit, but not all of them together.
        let whole = StrangerDetector.together(result.characters.compactMap(\.familiarity))
        for index in result.characters.indices {
            result.characters[index].familiarity = result.characters[index].familiarity.map { min($0, whole) }
        }
        return result
    }

    /// Returns `√(p·q)`, normalised to the sum of p.
    package static func geometricMean(_ p: [Double], _ q: [Double]) -> [Double] {
        let products = zip(p, q).map { ($0 * $1).squareRoot() }
        let total = products.reduce(0, +), share = p.reduce(0, +)
        return total > 0 ? products.map { $0 / total * share } : p
    }
}
