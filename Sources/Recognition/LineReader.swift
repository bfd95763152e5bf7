import Evaluation
import Experiments
import Foundation
import NeuralNetwork
import Pictures
import Tensors
import Training
import Workers

/// Reads lines of text whole, with a network that was trained on lines (`data.lines`). One reader is used by one thread at a
/// time.
package final class LineReader {
    package let classNames: [String]
    /// Logits are divided by it.
    package let temperature: Double
    package let isCalibrated: Bool
    private let networks: LineNetworks
    private let strangers: StrangerDetector?
    private let preparation: LinePreparation

    /// A line that was read.
    package struct Line: Sendable {
        /// By class.
        package var text: [Int]
        /// Of the whole text.
        package var probability: Double
        package var characters: [Character]
    }

    /// One character of a line.
    package struct Character: Sendable {
        /// The part of the line's ink that is its.
        package var glyph: Glyph
        /// Whether it does not touch its neighbours.
        package var isApart: Bool
        /// One a class, the other characters being as they are; they sum to less than 1 where it may be none at all.
        package var probabilities: [Double]
        /// The share of known characters of lines that look at least as strange; nil where nobody has found out.
        package var familiarity: Double?
    }

    /// Networks take lines whose width is a multiple of this many pixels.
    private static let step = 16

    /// - Throws: an `InputError` where the network reads no lines.
    package init(_ model: SavedModel, pool: WorkerPool) throws(InputError) {
        guard model.graph.readsLines else {
            throw InputError(
                "model", expected: "a network that was trained on lines", received: "one of single images")
        }
        classNames = model.classNames
        temperature = model.temperature ?? 1
        isCalibrated = model.temperature != nil
        strangers = model.strangers
        networks = LineNetworks([model.graph], batchSize: 1, pool: pool, keepsFeatures: strangers != nil)
        networks.load(parameters: model.parameters, state: model.state)
        preparation = LinePreparation(height: model.graph.inputShape.height, step: Self.step)
    }

    /// From which probability on a reading is not doubted.
    private static let sure = 0.9
    /// Readings that are weighed, of one that is doubted.
    private static let mostReadings = 5

    /// What the ink of a line may say, the most probable reading first; that alone where it is sure. Empty where it is no line.
    package func readings(_ glyph: Glyph) -> [Line] {
        guard let line = preparation.line(glyph),
            let logits = networks.logits(of: line.pixels, count: 1, width: line.width).first
        else { return [] }
        let probabilities = logits.probabilities(temperature: temperature)
        let readings = probabilities.readings()
        guard let best = readings.first else { return [] }
        let most = exp(best.logProbability) >= Self.sure ? 1 : Self.mostReadings
        return readings.prefix(most).map { reading in
            // From the network's columns to those of the ink.
            let share = Double(line.width) / Double(logits.columns)
            func place(_ column: Int) -> Double {
                line.places[min(max(Int((Double(column) * share).rounded()), 0), line.width)]
            }
            let alignment = probabilities.alignment(of: reading.text)
            let places = alignment.map { columns in
                place(columns.lowerBound)...max(place(columns.lowerBound), place(columns.upperBound + 1))
            }
            let parts = glyph.parts(at: places), alternatives = probabilities.alternatives(to: reading.text)
            let familiarities = strangers?.familiarities(of: reading.text, at: alignment, in: logits)
            let characters = zip(parts, alternatives).enumerated().map { index, character in
                Character(
                    glyph: character.0.glyph, isApart: character.0.isApart,
                    probabilities: Array(character.1.dropLast()), familiarity: familiarities?[index])
            }
            return Line(text: reading.text, probability: min(1, exp(reading.logProbability)), characters: characters)
        }
    }
}

extension Glyph {
    /// The ink of characters at these columns, cut between each two where a column has the least ink; and whether the cuts
    /// cross any.
    func parts(at places: [ClosedRange<Double>]) -> [(glyph: Glyph, isApart: Bool)] {
        var ink = [Double](repeating: 0, count: stride)
        for row in 0..<rows {
            for column in 0..<stride { ink[column] += Double(min(self.ink[row * stride + column], 1)) }
        }
        var cuts = [0]
        for (a, b) in zip(places, places.dropFirst()) {
            let from = min(max(Int((a.lowerBound + a.upperBound) / 2), (cuts.last ?? 0) + 1), stride - 1)
            let to = min(max(Int((b.lowerBound + b.upperBound) / 2), from), stride - 1)
            let middle = Double(from + to) / 2
            // Of equal ones the one in the middle.
            let best = (from...to).min { x, y in
                ink[x] == ink[y] ? abs(Double(x) - middle) < abs(Double(y) - middle) : ink[x] < ink[y]
            }
            cuts.append(best ?? from)
        }
        cuts.append(stride)
        return zip(cuts, cuts.dropFirst()).map { left, right in
            let path = { (column: Int) in [Int](repeating: column, count: rows) }
            let isApart = [left, right].allSatisfy { $0 == 0 || $0 == stride || ink[$0] < 0.5 }
            return (part(from: path(left), to: path(right)) ?? self, isApart)
        }
    }
}
