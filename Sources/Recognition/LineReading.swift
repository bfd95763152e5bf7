import Evaluation
import Foundation
import Pictures

extension DigitReader {
    /// How much the network of single characters counts where readings of a line are weighed.
    private static let weight = 0.5

    /// Every line read whole; nil where one is no line for the network.
    ///
    /// Readings of a line that are doubted are weighed by the network of single characters, which looks at each part: that is taken
    /// whose `log P(text) + 0.5·Σ log pᵢ` is largest. A character that stands apart then has the geometric mean of both networks'
    /// probabilities, and the line's probability follows in proportion.
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

    /// One thing that a line may say.
    package struct LineCandidate: Sendable {
        package var characters: [ReadCharacter]
        /// Of the whole text.
        package var probability: Double
        var score: Double
    }

    /// What the ink of a line may say, both networks asked, the best first; empty where no network reads lines, or this is none.
    package func candidates(_ glyph: Glyph) -> [LineCandidate] { lineReader.map { candidates(glyph, by: $0) } ?? [] }

    private func candidates(_ glyph: Glyph, by lineReader: LineReader) -> [LineCandidate] {
        let candidates = lineReader.readings(glyph).map(looked(at:))
        // Sorting keeps no order among equals: the first of the best is the best.
        return candidates.enumerated().sorted { ($1.element.score, $0.offset) < ($0.element.score, $1.offset) }
            .map(\.element)
    }

    /// A reading of a line by both networks.
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
                    // A part of a stroke that touches others is like nothing that the network of single characters knows.
                    familiarity: character.isApart ? answers[index].familiarity : character.familiarity))
        }
        // A word whose letters each could be an odd digit is none as a whole.
        let whole = StrangerDetector.together(result.characters.compactMap(\.familiarity))
        for index in result.characters.indices {
            result.characters[index].familiarity = result.characters[index].familiarity.map { min($0, whole) }
        }
        return result
    }

    /// `√(p·q)`, made to sum to what p does.
    package static func geometricMean(_ p: [Double], _ q: [Double]) -> [Double] {
        let products = zip(p, q).map { ($0 * $1).squareRoot() }
        let total = products.reduce(0, +), share = p.reduce(0, +)
        return total > 0 ? products.map { $0 / total * share } : p
    }
}
