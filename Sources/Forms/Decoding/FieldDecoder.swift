import Foundation

/// The networks' evidence for the characters of a field.
struct FieldEvidence: Sendable {
    /// One segmentation of the ink into a sequence of characters.
    struct Lattice: Sendable {
        /// The probability of this number of characters.
        var weight: Double
        /// The character probabilities, `[positions, characters]`.
        var rows: [[Double]]
    }

    var lattices: [Lattice]
    /// Whether a character looks too strange to trust the network, however confident it is.
    var hasStranger = false

    /// Returns the most probable text, ignoring checks and lengths.
    func text(_ characters: [Character]) -> String {
        guard let best = lattices.max(by: { a, b in Self.top(a) < Self.top(b) }) else { return "" }
        return String(best.rows.map { row in characters[row.indices.max { row[$0] < row[$1] } ?? 0] })
    }

    private static func top(_ lattice: Lattice) -> Double {
        lattice.rows.reduce(lattice.weight) { $0 * ($1.max() ?? 0) }
    }
}

/// A possible value of a field.
package struct FieldValue: Hashable, Sendable {
    package var text: String
    package var probability: Double

    package init(text: String, probability: Double) { (self.text, self.probability) = (text, probability) }
}

/// A decoder of the values of a character field under its checks.
///
/// With Z the total probability of all passing values, a value v has the probability
/// `P(v) = p(v) / (Z + ω·(1 − Z))`, ω = `ε/(1 − ε) · φ/(1 − φ)`: the value that was written fails the checks with
/// probability ε = 0.01, and φ is the fraction of all texts that pass. This rejects values that pass by chance while
/// the ink contradicts them.
struct FieldDecoder: Sendable {
    let characters: [Character]
    let length: ClosedRange<Int>
    private let decoder: CheckedDecoder
    /// The fraction φ of passing texts, by length.
    private let shares: [Int: Double]

    /// The fraction of a network's probabilities that is spread evenly over all characters, so that none is 0.
    private static let doubt = 5e-4
    /// The probability ε that a written value fails the checks.
    private static let mistaken = 0.01

    init(_ field: CharacterField, checks: [FieldCheck], characters: [Character]) {
        self.characters = characters
        length = field.length
        let indices = Dictionary(zip(characters, characters.indices), uniquingKeysWith: { first, _ in first })
        var automata = checks.map { $0.automaton { indices[$0] } }
        if let date = field.date { automata.append(DateAutomaton(date)) }
        let decoder = CheckedDecoder(automata: automata)
        self.decoder = decoder
        if let date = field.date {
            // Counts the valid days directly: the automaton's states would enumerate them.
            shares = [
                date.length: min(Double(date.dayCount), pow(10, Double(date.length))) / pow(10, Double(date.length))
            ]
        } else {
            shares = Dictionary(
                uniqueKeysWithValues: field.length.map { ($0, decoder.share(length: $0, symbols: characters.count)) })
        }
    }

    /// Returns ω for the fraction `share` of passing texts.
    static func odds(share: Double) -> Double {
        // Mistakes are not uniform: a coincidence rarer than one in a hundred is no stronger evidence.
        let share = max(share, 0.01)
        return share < 1 ? min(1, mistaken / (1 - mistaken) * share / (1 - share)) : 1
    }

    /// Returns the probabilities smoothed by ``doubt``.
    static func doubted(_ row: [Double]) -> [Double] {
        row.map { (1 - doubt) * $0 + doubt / Double(row.count) }
    }

    /// Returns the most probable passing values, each with its probability.
    func values(_ evidence: FieldEvidence, count: Int) -> [FieldValue] {
        var passing = 0.0, failing = 0.0
        var found: [CheckedDecoder.Value] = []
        for lattice in evidence.lattices {
            guard length.contains(lattice.rows.count), let share = shares[lattice.rows.count], share > 0 else {
                failing += lattice.weight * Self.mistaken
                continue
            }
            let result = decoder.decode(lattice.rows.map(Self.doubted), count: count)
            let odds = Self.odds(share: share)
            passing += lattice.weight * result.mass
            failing += lattice.weight * odds * max(0, 1 - result.mass)
            found += result.values.map {
                CheckedDecoder.Value(symbols: $0.symbols, probability: $0.probability * lattice.weight)
            }
        }
        failing += max(0, 1 - evidence.lattices.reduce(0) { $0 + $1.weight })
        let total = passing + failing
        guard total > 0 else { return [] }
        return found.sorted { $0.probability > $1.probability }.prefix(count).map { value in
            FieldValue(text: String(value.symbols.map { characters[$0] }), probability: value.probability / total)
        }
    }

    /// Whether a text of the field's characters passes its checks.
    func passes(_ text: String) -> Bool {
        let symbols = text.compactMap { characters.firstIndex(of: $0) }
        return symbols.count == text.count && decoder.passes(symbols)
    }

    /// Returns the probability of a number written with `length` digits, including leading zeros, ignoring checks.
    func probability(of number: Int, length: Int, _ evidence: FieldEvidence) -> Double {
        evidence.lattices.reduce(0) { sum, lattice in
            guard lattice.rows.count == length else { return sum }
            var rest = number, product = lattice.weight
            for row in lattice.rows.reversed() {
                product *= (1 - Self.doubt) * row[rest % 10] + Self.doubt / 10
                rest /= 10
            }
            return rest == 0 ? sum + product : sum
        }
    }
}
