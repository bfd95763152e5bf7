/// A decoder of a field under its checks: finds the most probable passing values, and the total probability of all
/// passing values.
///
/// With `p(c | i)` the probability of character c at position i, a value has probability `Π p(cᵢ | i)`. Dynamic
/// programming over the states of the checks' automata, from left to right, keeps for each state the sum over all
/// prefixes that lead to it and the few most probable ones: exact, in O(positions · states · characters).
struct CheckedDecoder: Sendable {
    let automata: [any CheckAutomaton]

    struct Result: Sendable {
        /// The total probability of all passing values.
        var mass = 0.0
        /// The most probable passing values.
        var values: [Value] = []
    }

    struct Value: Hashable, Sendable {
        /// The value, as indices of characters.
        var symbols: [Int]
        var probability: Double
    }

    /// The probability below which a prefix is pruned.
    private static let leastMass = 1e-10

    /// The states of up to four automata.
    private typealias States = SIMD4<Int32>

    private struct Node {
        var states: States
        var mass = 0.0
        var best: [Value] = []

        mutating func add(_ value: Value, keeping count: Int) {
            guard count > 0, best.count < count || value.probability > best[best.count - 1].probability else { return }
            let place = best.firstIndex { $0.probability < value.probability } ?? best.count
            best.insert(value, at: place)
            if best.count > count { best.removeLast() }
        }
    }

    /// Whether a value, as indices of characters, passes all checks.
    func passes(_ symbols: [Int]) -> Bool {
        automata.allSatisfy { automaton in
            var state = automaton.start(length: symbols.count)
            for (position, symbol) in symbols.enumerated() {
                state = state.flatMap { automaton.next($0, at: position, of: symbols.count, symbol) }
            }
            return state.map(automaton.accepts) ?? false
        }
    }

    /// Decodes a lattice.
    /// - Parameters:
    ///   - lattice: The probability of each character at each position.
    ///   - count: The number of most probable values to return.
    func decode(_ lattice: [[Double]], count: Int) -> Result {
        let length = lattice.count
        var start = States()
        for (index, automaton) in automata.enumerated() {
            guard let state = automaton.start(length: length) else { return Result() }
            start[index] = Int32(state)
        }
        var nodes = [Node(states: start, mass: 1, best: [Value(symbols: [], probability: 1)])]
        for (position, row) in lattice.enumerated() {
            var next: [Node] = []
            var places: [States: Int] = [:]
            for node in nodes {
                for (symbol, p) in row.enumerated() where node.mass * p > Self.leastMass {
                    guard let states = following(node.states, at: position, of: length, symbol) else { continue }
                    let place: Int
                    if let known = places[states] {
                        place = known
                    } else {
                        place = next.count
                        places[states] = place
                        next.append(Node(states: states))
                    }
                    next[place].mass += node.mass * p
                    for value in node.best {
                        next[place].add(
                            Value(symbols: value.symbols + [symbol], probability: value.probability * p), keeping: count
                        )
                    }
                }
            }
            nodes = next
        }
        var result = Result(), end = Node(states: start)
        for node in nodes where accepts(node.states) {
            result.mass += node.mass
            for value in node.best { end.add(value, keeping: count) }
        }
        result.values = end.best
        return result
    }

    private func following(_ states: States, at position: Int, of length: Int, _ symbol: Int) -> States? {
        var result = states
        for (index, automaton) in automata.enumerated() {
            guard let state = automaton.next(Int(states[index]), at: position, of: length, symbol) else { return nil }
            result[index] = Int32(state)
        }
        return result
    }

    private func accepts(_ states: States) -> Bool {
        automata.indices.allSatisfy { automata[$0].accepts(Int(states[$0])) }
    }

    /// Returns the fraction of all values of `length` characters that pass.
    func share(length: Int, symbols: Int) -> Double {
        // With all probabilities 1, the mass is the number of passing values.
        let row = [Double](repeating: 1, count: symbols)
        let number = decode([[Double]](repeating: row, count: length), count: 0).mass
        return (0..<length).reduce(number) { share, _ in share / Double(symbols) }
    }
}
