import Evaluation
import Experiments
import Foundation
import NeuralNetwork
import Pictures
import Tensors
import Training
import Workers

/// Reads whole lines of text with a network that was trained on lines (`data.lines`).
///
/// Not thread-safe: use a reader from one thread at a time.
package final class LineReader {
    package let classNames: [String]
    /// The temperature by which logits are divided.
    package let temperature: Double
    package let isCalibrated: Bool
    private let networks: LineNetworks
    private let strangers: StrangerDetector?
    private let preparation: LinePreparation

    /// One reading of a line.
    package struct Line: Sendable {
        /// The text, as class indices.
        package var text: [Int]
        /// The probability of the whole text.
        package var probability: Double
        package var characters: [Character]
    }

    /// One character of a line.
    package struct Character: Sendable {
        /// The character's part of the line's ink.
        package var glyph: Glyph
        /// Whether the character does not touch its neighbours.
        package var isApart: Bool
        /// The probability of each class given the other characters; the sum is below 1 if there may be none at all.
        package var probabilities: [Double]
        /// The fraction of known characters of lines that look at least as strange; nil if the model has no detector.
        package var familiarity: Double?
    }

    /// The width of a network's lines is a multiple of this many pixels.
    private static let step = 16

    /// - Throws: An `InputError` if the network does not read lines of grey pixels in [0, 1].
    package init(_ model: SavedModel, pool: WorkerPool) throws(InputError) {
        guard model.graph.readsLines else {
            throw InputError(
                "model", expected: "a network that was trained on lines", received: "one of single images")
        }
        let shape = model.graph.inputShape
        guard shape.channels == 1, model.normalization == nil else {
            throw InputError(
                "model", expected: "a network for lines of one channel, in [0, 1]",
                received: model.normalization == nil ? "input \(shape)" : "one with a mean and a standard deviation")
        }
        // The narrowest lines that the network takes.
        var least = Self.step
        while (try? model.graph.widened(to: least)) == nil, least < shape.width { least += Self.step }
        classNames = model.classNames
        temperature = model.temperature ?? 1
        isCalibrated = model.temperature != nil
        strangers = model.strangers
        networks = LineNetworks([model.graph], batchSize: 1, pool: pool, keepsFeatures: strangers != nil)
        networks.load(parameters: model.parameters, state: model.state)
        preparation = LinePreparation(height: shape.height, step: Self.step, least: least)
    }

    /// The probability from which on the best reading is accepted without alternatives.
    private static let sure = 0.9
    /// The maximum number of readings returned for an uncertain line.
    private static let mostReadings = 5

    /// Returns possible readings of a line's ink, most probable first: a single one if it is certain, none if the ink
    /// is not a line.
    package func readings(_ glyph: Glyph) -> [Line] {
        guard let line = preparation.line(glyph),
            let logits = networks.logits(of: line.pixels, count: 1, width: line.width).first
        else { return [] }
        let probabilities = logits.probabilities(temperature: temperature)
        let readings = probabilities.readings()
        guard let best = readings.first else { return [] }
        let most = exp(best.logProbability) >= Self.sure ? 1 : Self.mostReadings
        return readings.prefix(most).map { reading in
            // Converts the network's columns to those of the ink.
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
    /// Returns the ink of the characters at these columns, cut between neighbours at the column with the least ink, and
    /// whether the cuts of each are free of ink.
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
            // Ties go to the column nearest the middle.
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
