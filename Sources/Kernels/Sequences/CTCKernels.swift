import Tensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Connectionist temporal classification (CTC): the probability that the columns of logits `[T, K]` spell a text, over
/// all alignments of its characters to columns. The last class, K − 1, is the blank.
///
/// A path assigns a class to each column; it spells the text that remains after merging repeats and then dropping
/// blanks. For a text l of L characters the states are `blank, l₁, blank, l₂, …, blank`, S = 2L + 1 in total, and
///
///     α[t, s] = log p[t, s] + log(e^α[t−1, s] + e^α[t−1, s−1] + e^α[t−1, s−2])
///
/// where the last term applies only if state s is a character different from that of s − 2. β is defined likewise from
/// the end, without `log p[t, s]`. Then `log P = log(e^α[T−1, S−1] + e^α[T−1, S−2])`, and
/// `∂(−log P)/∂z[t, k] = p[t, k] − Σ_{s of class k} e^(α + β − log P)`. Everything is computed in Double and in log
/// space. Source: A. Graves et al., "Connectionist temporal classification", ICML 2006.
package enum CTCKernels {
    /// Computes the `log softmax` of each row, `[T, K]` from `[T, K]`.
    /// - Parameter temperature: divides the logits.
    package static func logProbabilities(
        _ z: UnsafePointer<Float>, columns: Int, classes: Int, temperature: Double = 1,
        into logP: UnsafeMutablePointer<Double>
    ) {
        for t in 0..<columns {
            let row = z + t * classes, target = logP + t * classes
            let (top, logSum) = SoftmaxKernels.normalizer(row, columns: classes, temperature: temperature)
            for k in 0..<classes { target[k] = (Double(row[k]) - top) / temperature - logSum }
        }
    }

    /// Returns `−log P` of a text and writes its gradient with respect to the logits times `weight`. If there are too
    /// few columns for the text, the loss is infinite and the gradient zero.
    package static func loss(
        _ z: UnsafePointer<Float>, columns: Int, classes: Int, text: UnsafeBufferPointer<Int32>, weight: Float,
        dz: UnsafeMutablePointer<Float>?
    ) -> Double {
        let states = 2 * text.count + 1
        return withUnsafeTemporaryAllocation(
            of: Double.self, capacity: columns * classes + columns * states + 2 * states + classes
        ) { memory in
            guard let logP = memory.baseAddress else { return .infinity }
            let alpha = logP + columns * classes, beta = alpha + columns * states
            logProbabilities(z, columns: columns, classes: classes, into: logP)
            let total = forward(logP, columns: columns, classes: classes, text: text, alpha: alpha)
            guard let dz else { return -total }
            guard total > -.infinity else {
                dz.update(repeating: 0, count: columns * classes)
                return .infinity
            }
            // At column T − 1, β admits only the last two states.
            let rest = beta + states, share = beta + 2 * states
            for s in 0..<states { beta[s] = s >= states - 2 ? 0 : -.infinity }
            for t in (0..<columns).reversed() {
                let p = logP + t * classes
                for k in 0..<classes { share[k] = 0 }
                for s in 0..<states {
                    let log = alpha[t * states + s] + beta[s] - total
                    if log > -.infinity { share[label(s, text, classes)] += exp(log) }
                }
                for k in 0..<classes { dz[t * classes + k] = weight * Float(exp(p[k]) - share[k]) }
                // β of the previous column.
                for s in 0..<states { rest[s] = beta[s] + p[label(s, text, classes)] }
                for s in 0..<states { beta[s] = following(s, rest, text) }
            }
            return -total
        }
    }

    /// Returns `log P` of a text, given the result of ``logProbabilities(_:columns:classes:temperature:into:)``.
    package static func logLikelihood(
        _ logP: UnsafePointer<Double>, columns: Int, classes: Int, text: UnsafeBufferPointer<Int32>
    ) -> Double {
        withUnsafeTemporaryAllocation(of: Double.self, capacity: columns * (2 * text.count + 1)) { memory in
            guard let alpha = memory.baseAddress else { return -.infinity }
            return forward(logP, columns: columns, classes: classes, text: text, alpha: alpha)
        }
    }

    /// Computes `log P` of the text with character i replaced by class k and, in the last class, with it deleted,
    /// `[L, K]`, all from one α and one β.
    ///
    /// With γ[t] covering the paths that are in character i at column t,
    /// `γ[t] = p[t, k]·(γ[t−1] + α[t−1, 2i] + α[t−1, 2i−1])` and `P = Σ_t γ[t]·(B[t+1, 2i+2] + B[t+1, 2i+3])` with
    /// `B = p·e^β`; equal neighbours need the blank between them. Without the character its two blanks merge:
    /// `P = Σ_t (α[t, 2i] + α[t, 2i−1])·B[t+1, 2i+3]`.
    package static func substitutions(
        _ logP: UnsafePointer<Double>, columns: Int, classes: Int, text: UnsafeBufferPointer<Int32>,
        result: UnsafeMutablePointer<Double>
    ) {
        let states = 2 * text.count + 1, none = -Double.infinity
        withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * columns * states) { memory in
            guard let alpha = memory.baseAddress else { return }
            let rest = alpha + columns * states
            _ = forward(logP, columns: columns, classes: classes, text: text, alpha: alpha)
            backward(logP, columns: columns, classes: classes, text: text, rest: rest)
            for i in 0..<text.count {
                let s = 2 * i + 1
                for k in 0..<classes - 1 {
                    let followsOther = i > 0 && Int(text[i - 1]) != k
                    let precedesOther = i + 1 < text.count && Int(text[i + 1]) != k
                    var inside = none, total = none
                    for t in 0..<columns {
                        var into = inside
                        if t == 0 {
                            into = i == 0 ? 0 : none
                        } else {
                            into = add(into, alpha[(t - 1) * states + s - 1])
                            if followsOther { into = add(into, alpha[(t - 1) * states + s - 2]) }
                        }
                        inside = into + logP[t * classes + k]
                        var out = none
                        if t == columns - 1 {
                            out = i == text.count - 1 ? 0 : none
                        } else {
                            out = rest[(t + 1) * states + s + 1]
                            if precedesOther { out = add(out, rest[(t + 1) * states + s + 2]) }
                        }
                        total = add(total, inside + out)
                    }
                    result[i * classes + k] = total
                }
                // With the character deleted.
                let skips = i == 0 || i + 1 == text.count || text[i - 1] != text[i + 1]
                var total = none
                if i + 1 == text.count {
                    total = alpha[(columns - 1) * states + s - 1]
                    if i > 0 { total = add(total, alpha[(columns - 1) * states + s - 2]) }
                } else {
                    if i == 0 { total = rest[s + 2] }
                    for t in 0..<columns - 1 {
                        var before = alpha[t * states + s - 1]
                        if i > 0, skips { before = add(before, alpha[t * states + s - 2]) }
                        total = add(total, before + rest[(t + 1) * states + s + 2])
                    }
                }
                result[i * classes + classes - 1] = total
            }
        }
    }

    /// Fills B, `[T, S]`: the log probability of completing the text from a state at a column, including the
    /// probability of that column.
    private static func backward(
        _ logP: UnsafePointer<Double>, columns: Int, classes: Int, text: UnsafeBufferPointer<Int32>,
        rest: UnsafeMutablePointer<Double>
    ) {
        let states = 2 * text.count + 1
        for t in (0..<columns).reversed() {
            let row = rest + t * states, p = logP + t * classes
            for s in 0..<states {
                let beta: Double =
                    t < columns - 1
                    ? following(s, rest + (t + 1) * states, text) : s >= states - 2 ? 0 : -.infinity
                row[s] = beta + p[label(s, text, classes)]
            }
        }
    }

    /// β of state s, from B of the next column.
    private static func following(
        _ s: Int, _ next: UnsafePointer<Double>, _ text: UnsafeBufferPointer<Int32>
    ) -> Double {
        let states = 2 * text.count + 1
        var sum = next[s]
        if s + 1 < states { sum = add(sum, next[s + 1]) }
        if s + 2 < states, skips(s + 2, text) { sum = add(sum, next[s + 2]) }
        return sum
    }

    /// Returns the columns of each character of the text on its most probable path.
    package static func alignment(
        _ logP: UnsafePointer<Double>, columns: Int, classes: Int, text: UnsafeBufferPointer<Int32>
    ) -> [ClosedRange<Int>] {
        let states = 2 * text.count + 1, none = -Double.infinity
        var best = [Double](repeating: none, count: states), came = [UInt8](repeating: 0, count: columns * states)
        for t in 0..<columns {
            var next = [Double](repeating: none, count: states)
            for s in 0..<states {
                var value = t == 0 ? (s < 2 ? 0 : none) : best[s], step: UInt8 = 0
                if t > 0, s >= 1, best[s - 1] > value { (value, step) = (best[s - 1], 1) }
                if t > 0, s >= 2, skips(s, text), best[s - 2] > value { (value, step) = (best[s - 2], 2) }
                next[s] = value + logP[t * classes + label(s, text, classes)]
                came[t * states + s] = step
            }
            best = next
        }
        var places = [ClosedRange<Int>?](repeating: nil, count: text.count)
        var s = states == 1 || best[states - 1] >= best[states - 2] ? states - 1 : states - 2
        for t in (0..<columns).reversed() {
            if s & 1 == 1 { places[s / 2] = t...(places[s / 2]?.upperBound ?? t) }
            s -= Int(came[t * states + s])
        }
        return places.map { $0 ?? 0...0 }
    }

    /// Fills α, `[T, S]`, and returns `log P`.
    private static func forward(
        _ logP: UnsafePointer<Double>, columns: Int, classes: Int, text: UnsafeBufferPointer<Int32>,
        alpha: UnsafeMutablePointer<Double>
    ) -> Double {
        let states = 2 * text.count + 1
        for s in 0..<states { alpha[s] = s < 2 ? logP[label(s, text, classes)] : -.infinity }
        for t in 1..<max(columns, 1) {
            let before = alpha + (t - 1) * states, row = alpha + t * states, p = logP + t * classes
            for s in 0..<states {
                var sum = before[s]
                if s >= 1 { sum = add(sum, before[s - 1]) }
                if s >= 2, skips(s, text) { sum = add(sum, before[s - 2]) }
                row[s] = sum + p[label(s, text, classes)]
            }
        }
        let last = alpha + (columns - 1) * states
        return states == 1 ? last[0] : add(last[states - 1], last[states - 2])
    }

    /// The class of state s.
    private static func label(_ s: Int, _ text: UnsafeBufferPointer<Int32>, _ classes: Int) -> Int {
        s & 1 == 0 ? classes - 1 : Int(text[s / 2])
    }

    /// Whether state s may follow state s − 2 directly, skipping the blank between them.
    private static func skips(_ s: Int, _ text: UnsafeBufferPointer<Int32>) -> Bool {
        s & 1 == 1 && text[s / 2] != text[s / 2 - 1]
    }

    /// `log(eᵃ + eᵇ)`.
    package static func add(_ a: Double, _ b: Double) -> Double {
        let top = max(a, b)
        return top == -.infinity ? top : top + log1p(exp(min(a, b) - top))
    }
}
