import Foundation

/// What the networks say of a field's characters.
struct FieldEvidence: Sendable {
    /// One way to take the ink as a row of characters.
    struct Lattice: Sendable {
        /// Probability that the ink is so many characters.
        var weight: Double
        /// `[positions, characters]`.
        var rows: [[Double]]
    }

    var lattices: [Lattice]
    /// Whether a character looks too strange for a network that is sure of it to be believed.
    var hasStranger = false

    /// The most probable text, checks and lengths left aside.
    func text(_ characters: [Character]) -> String {
        guard let best = lattices.max(by: { a, b in Self.top(a) < Self.top(b) }) else { return "" }
        return String(best.rows.map { row in characters[row.indices.max { row[$0] < row[$1] } ?? 0] })
    }

    private static func top(_ lattice: Lattice) -> Double {
        lattice.rows.reduce(lattice.weight) { $0 * ($1.max() ?? 0) }
    }
}

/// A value that a field may have.
package struct FieldValue: Hashable, Sendable {
    package var text: String
    package var probability: Double

    package init(text: String, probability: Double) { (self.text, self.probability) = (text, probability) }
}

/// The values of a field of characters, under its checks.
///
/// With Z the probability of all that passes, a value v has
/// `P(v) = p(v) / (Z + ω·(1 − Z))`, ω = `ε/(1 − ε) · φ/(1 − φ)`: a writer's value fails the checks with probability ε = 0.01, and φ is
/// the share of all texts that pass. So a value that passes by chance alone, the ink saying otherwise, is not believed.
struct FieldDecoder: Sendable {
    let characters: [Character]
    let length: ClosedRange<Int>
    private let decoder: CheckedDecoder
    /// φ by length.
    private let shares: [Int: Double]

    /// A network's probabilities are never quite 0: this part of them is spread over all characters.
    private static let doubt = 5e-4
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
            // Days are counted: texts that are none would have to be listed.
            shares = [
                date.length: min(Double(date.dayCount), pow(10, Double(date.length))) / pow(10, Double(date.length))
            ]
        } else {
            shares = Dictionary(
                uniqueKeysWithValues: field.length.map { ($0, decoder.share(length: $0, symbols: characters.count)) })
        }
    }

    /// ω.
    static func odds(share: Double) -> Double {
        // Mistakes are not spread evenly: a rare coincidence is no better evidence than one in a hundred.
        let share = max(share, 0.01)
        return share < 1 ? min(1, mistaken / (1 - mistaken) * share / (1 - share)) : 1
    }

    /// Probabilities with ``doubt``.
    static func doubted(_ row: [Double]) -> [Double] {
        row.map { (1 - doubt) * $0 + doubt / Double(row.count) }
    }

    /// The most probable values that pass, each with its probability.
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

    /// Of a number of `length` digits, zeros in front counted, checks left aside.
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
