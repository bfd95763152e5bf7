/// The mean of the class probabilities given by several networks, or for several views of an image: `p̄ = Σ_m p_m / M`,
/// summed in Double in the order of the additions. However many are added, it stores one set of sums.
///
/// Source: L. K. Hansen, P. Salamon, "Neural network ensembles", IEEE TPAMI 12, 1990.
package struct ProbabilityMean: Sendable {
    private var sums: [Double] = []
    /// The number of members added.
    package private(set) var count = 0

    package init() {}

    /// Adds the probabilities of one member, `[N, K]`.
    /// - Precondition: As many values as from the members before.
    package mutating func add(_ probabilities: [Float]) {
        if count == 0 { sums = [Double](repeating: 0, count: probabilities.count) }
        precondition(probabilities.count == sums.count, "ProbabilityMean: members of different sizes")
        for i in sums.indices { sums[i] += Double(probabilities[i]) }
        count += 1
    }

    /// The mean; empty before the first addition.
    package var values: [Float] { sums.map { Float($0 / Double(count)) } }
}
