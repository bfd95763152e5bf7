/// What a model says of one image of K classes.
public struct Classification: Hashable, Sendable {
    /// The class of highest probability; of equal ones the lowest.
    public let label: Int
    /// Its name.
    public let className: String
    /// Class probabilities `[K]`: the softmax of the network's outputs, in [0, 1] and of sum 1.
    public let probabilities: [Float]

    /// The probability of ``label``. How far it can be read as the chance of being right, `calibration` of an
    /// evaluation says.
    public var confidence: Float { probabilities[label] }

    /// - Precondition: K ≥ 1 probabilities and as many names.
    package init(_ probabilities: [Float], classNames: [String]) {
        var best = 0
        for k in probabilities.indices where probabilities[k] > probabilities[best] { best = k }
        label = best
        className = classNames[best]
        self.probabilities = probabilities
    }
}
