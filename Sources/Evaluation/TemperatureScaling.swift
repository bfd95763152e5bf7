import Foundation

/// Calibration of a network's confidence by a single temperature T: probabilities are softmax(z / T).
///
/// T minimises the negative log-likelihood of a validation set and a prior,
///
///     L(β) = Σ over samples (log Σₖ exp(β·zₖ) − β·z_label) + λ·(β − log β),   β = 1/T, λ = 4,
///
/// which is convex in β: its derivative, `Σ (Σₖ pₖ·zₖ − z_label) + λ·(1 − 1/β)`, increases with β, and its root is found
/// by bisection, which is bit-for-bit reproducible. Scaling never changes the predicted class.
///
/// The prior, a Gamma distribution of β with its mode at 1, weighs as much as a few samples: a small set without a
/// mistake says nothing of how sure mistakes are (without the prior T would be 0), nor does a set of four images that
/// has one. Of thousands of samples it moves T by less than a hundredth.
///
/// Source: C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On Calibration of Modern Neural Networks", 2017,
/// arXiv:1706.04599, without a prior.
package enum TemperatureScaling {
    /// The range of temperatures searched.
    package static let range = 0.05...20.0
    /// The weight λ of the prior.
    private static let priorWeight = 4.0

    /// Returns the optimal temperature for logits `[count, classes]`, or nil if there are no samples.
    /// - Precondition: there is one label per row, and each label is below `classes`.
    package static func fit(logits: [Float], labels: [UInt8], classes: Int) -> Double? {
        precondition(
            classes >= 1 && logits.count == labels.count * classes, "TemperatureScaling: rows and labels differ")
        precondition(labels.allSatisfy { Int($0) < classes }, "TemperatureScaling: a label is no class")
        guard !labels.isEmpty else { return nil }
        var low = 1 / range.upperBound, high = 1 / range.lowerBound
        if slope(low, logits, labels, classes) >= 0 { return range.upperBound }
        if slope(high, logits, labels, classes) <= 0 { return range.lowerBound }
        for _ in 0..<50 {
            let middle = (low + high) / 2
            if slope(middle, logits, labels, classes) < 0 { low = middle } else { high = middle }
        }
        return 2 / (low + high)
    }

    /// The derivative of L: `λ·(1 − 1/β)` and the sum over samples of `Σₖ pₖ·(zₖ − z_label)`.
    private static func slope(_ beta: Double, _ logits: [Float], _ labels: [UInt8], _ classes: Int) -> Double {
        let z = logits.span
        var sum = priorWeight * (1 - 1 / beta)
        for row in 0..<labels.count {
            let first = row &* classes
            var largest = z[first]
            for k in 1..<max(classes, 1) { largest = max(largest, z[first &+ k]) }
            let own = Double(z[first &+ Int(labels[row])])
            var total = 0.0, weighted = 0.0
            for k in 0..<classes {
                let value = Double(z[first &+ k])
                let weight = exp(beta * (value - Double(largest)))
                total += weight
                weighted += weight * (value - own)
            }
            sum += weighted / total
        }
        return sum
    }

    /// Returns softmax(z / T), computed in Double; equal probabilities where logits are not finite, as of weights that
    /// overflow: nothing is known then.
    package static func probabilities(_ logits: some Collection<Float>, temperature: Double) -> [Double] {
        precondition(temperature > 0, "TemperatureScaling: the temperature must be positive, received \(temperature)")
        let largest = Double(logits.max() ?? 0)
        let weights = logits.map { exp((Double($0) - largest) / temperature) }
        let total = weights.reduce(0, +)
        guard total.isFinite, total > 0 else { return weights.map { _ in 1 / Double(weights.count) } }
        return weights.map { $0 / total }
    }
}
