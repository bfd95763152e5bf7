/// A joint decoder of fields whose sum is in another field.
///
/// Each combination of the parts' probable values has a sum, whose probability follows from the ink of the total: with
/// A the values of the parts, `P(A, t) ∝ Π p(aᵢ) · p(t)` if `Σ aᵢ = t`, otherwise 0. Combinations with equal sums are
/// merged.
enum SumDecoder {
    /// The maximum numbers of values per part and of sums, and the probability, relative to the largest, below which a
    /// sum is pruned.
    private static let (mostValues, mostSums, least) = (16, 400, 1e-9)

    private struct Term {
        var number: Int
        var p: Double
    }

    /// Returns the pairwise sums of two lists, with equal sums merged and improbable ones pruned.
    private static func added(_ a: [Term], _ b: [Term]) -> [Term] {
        var mass: [Int: Double] = [:]
        for x in a { for y in b { mass[x.number + y.number, default: 0] += x.p * y.p } }
        let best = (mass.values.max() ?? 0) * least
        let kept = mass.filter { $0.value > best }.map { Term(number: $0.key, p: $0.value) }
        return Array(kept.sorted { ($1.p, $0.number) < ($0.p, $1.number) }.prefix(mostSums))
    }

    /// Decodes the parts and their total jointly.
    /// - Parameters:
    ///   - parts: The values of each part, best first; an empty text counts as 0.
    ///   - total: Returns the ways to write a sum in the total's field, each with the probability of its ink.
    /// - Returns: The rescored values of each part, and the values of the total; nil if no combination adds up.
    static func decode(
        _ parts: [[FieldValue]], total: (Int) -> [FieldValue]
    ) -> (parts: [[FieldValue]], total: [FieldValue])? {
        let terms = parts.map { values in
            values.prefix(mostValues).map { Term(number: Int($0.text) ?? 0, p: $0.probability) }
        }
        // The sums without part i combine the partial sums from the left and from the right.
        let none = [Term(number: 0, p: 1)]
        var left = [none], right = [none]
        for values in terms { left.append(added(left[left.count - 1], values)) }
        for values in terms.reversed() { right.append(added(right[right.count - 1], values)) }
        var totals: [Int: [FieldValue]] = [:]
        func known(_ sum: Int) -> [FieldValue] {
            if let values = totals[sum] { return values }
            let values = total(sum)
            totals[sum] = values
            return values
        }
        func likelihood(_ sum: Int) -> Double { known(sum).reduce(0) { $0 + $1.probability } }
        let sums = left[parts.count]
        let passing = sums.reduce(0) { $0 + $1.p * likelihood($1.number) }
        guard passing > 0 else { return nil }
        let whole = passing + FieldDecoder.odds(share: 0.01) * max(0, 1 - passing)
        let again = terms.indices.map { index -> [FieldValue] in
            let rest = added(left[index], right[parts.count - 1 - index])
            let values = zip(parts[index], terms[index]).map { value, term in
                let p = rest.reduce(0) { $0 + $1.p * likelihood($1.number + term.number) } * term.p
                return FieldValue(text: value.text, probability: p / whole)
            }
            return values.sorted { $0.probability > $1.probability }
        }
        let totalValues = sums.flatMap { sum in
            known(sum.number).map { FieldValue(text: $0.text, probability: $0.probability * sum.p / whole) }
        }
        return (again, totalValues.sorted { $0.probability > $1.probability })
    }
}
