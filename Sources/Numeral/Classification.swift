/// A model's classification of one image into K classes.
public struct Classification: Hashable, Sendable {
    /// The most probable class; ties go to the lowest index.
    public let label: Int
    /// The name of the most probable class.
    public let className: String
    /// The class probabilities `[K]`: the softmax of the network's outputs, in [0, 1] with sum 1.
    public let probabilities: [Float]

    /// The probability of ``label``. The `calibration` of an evaluation measures how well it matches the probability of
    /// being correct.
    public var confidence: Float { probabilities[label] }

    /// - Precondition: there are K ≥ 1 probabilities and as many names.
    package init(_ probabilities: [Float], classNames: [String]) {
        var best = 0
        for k in probabilities.indices where probabilities[k] > probabilities[best] { best = k }
        label = best
        className = classNames[best]
        self.probabilities = probabilities
    }
}
