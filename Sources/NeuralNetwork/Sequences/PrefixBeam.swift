import Kernels

extension LineProbabilities {
    /// A text and its log-probability.
    package struct Reading: Hashable, Sendable {
        package let text: [Int]
        package let logProbability: Double
    }

    /// The minimum log-probability of a class in a column for the search to follow it.
    private static let leastLogarithm = -11.5

    /// Returns the most probable texts, best first: found by prefix beam search, with exact probabilities.
    ///
    /// For every prefix in the beam, paths that end in a blank and paths that end in its last character are summed
    /// separately, since only the former allow that character again. Source: A. Graves 2012, "Sequence transduction";
    /// A. Hannun et al. 2014, arXiv:1408.2873.
    /// - Parameter width: The number of prefixes kept at each column, at least 1.
    package func readings(width: Int = 8) -> [Reading] {
        struct Ends {
            var blank = -Double.infinity
            var character = -Double.infinity
            var total: Double { CTCKernels.add(blank, character) }
        }
        var beam: [([Int], Ends)] = [([], Ends(blank: 0))]
        for t in 0..<columns {
            let row = logarithms[(t * classes)..<((t + 1) * classes)]
            var next: [[Int]: Ends] = [:]
            func add(_ logP: Double, to end: WritableKeyPath<Ends, Double>, of prefix: [Int]) {
                var ends = next[prefix] ?? Ends()
                ends[keyPath: end] = CTCKernels.add(ends[keyPath: end], logP)
                next[prefix] = ends
            }
            for (prefix, ends) in beam {
                let total = ends.total
                for (k, logP) in row.enumerated() where logP > Self.leastLogarithm || k == classes - 1 {
                    if k == classes - 1 {
                        add(total + logP, to: \.blank, of: prefix)
                    } else if prefix.last == k {
                        add(ends.character + logP, to: \.character, of: prefix)
                        add(ends.blank + logP, to: \.character, of: prefix + [k])
                    } else {
                        add(total + logP, to: \.character, of: prefix + [k])
                    }
                }
            }
            // Ties are broken by text, never by the order of a dictionary.
            beam = next.map { ($0.key, $0.value) }
                .sorted { a, b in
                    let (x, y) = (a.1.total, b.1.total)
                    return x == y ? a.0.lexicographicallyPrecedes(b.0) : x > y
                }
                .prefix(max(width, 1)).map { $0 }
        }
        return beam.map { Reading(text: $0.0, logProbability: logLikelihood(of: $0.0)) }
            .sorted { a, b in
                a.logProbability == b.logProbability
                    ? a.text.lexicographicallyPrecedes(b.text) : a.logProbability > b.logProbability
            }
    }
}
