import Formats

extension OptimizerOptions {
    /// AdamW (Loshchilov and Hutter 2017, arXiv:1711.05101); weight decay skips biases and batch-norm.
    public static func adamW(
        learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
        weightDecay: Double = 1e-2
    ) -> OptimizerOptions {
        OptimizerOptions(
            AdamW(
                adam: Adam(learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon),
                weightDecay: weightDecay))
    }
}

/// The rule of ``OptimizerOptions/adamW(learningRate:beta1:beta2:epsilon:weightDecay:)``: ``Adam``, and
/// `w ← w − η·λ·w`.
package struct AdamW: ElementwiseRule, DecayedAdam {
    package var adam = Adam()
    package var weightDecay = 1e-2

    package static let type = "adamW"
    package static var options: Section<AdamW> { options(AdamW()) }

    package func step(_ number: Int, learningRate: Double) -> any ElementwiseStep {
        adam.step(number, learningRate: learningRate, weightDecay: weightDecay)
    }
}

/// A rule with Adam's constants and decoupled weight decay.
protocol DecayedAdam: OptimizerRule {
    var adam: Adam { get set }
    /// The weight decay λ in [0, 1].
    var weightDecay: Double { get set }
}

extension DecayedAdam {
    static func options(_ initial: Self) -> Section<Self> {
        Section(initial: initial, fields: Adam.options.fields.map { $0.within(\.adam) } + [.weightDecay(\.weightDecay)])
    }

    package var learningRate: Double { adam.learningRate }
    package var cycledMomentum: Double? {
        get { adam.cycledMomentum }
        set { adam.cycledMomentum = newValue }
    }
    package var initialSecondMoment: Float? { 0 }
}
