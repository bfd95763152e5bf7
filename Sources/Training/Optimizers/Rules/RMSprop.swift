import Formats
import Kernels
import Tensors

extension OptimizerOptions {
    /// RMSprop (Hinton 2012, lecture 6e): `s ← rho·s + (1 − rho)·g²`, `w ← w − η·g/(√s + epsilon)`, with momentum on
    /// the step.
    public static func rmsprop(
        learningRate: Double, rho: Double = 0.9, epsilon: Double = 1e-7, momentum: Double = 0
    ) -> OptimizerOptions {
        OptimizerOptions(RMSprop(learningRate: learningRate, rho: rho, epsilon: epsilon, momentum: momentum))
    }
}

/// The rule of ``OptimizerOptions/rmsprop(learningRate:rho:epsilon:momentum:)``.
package struct RMSprop: ElementwiseRule {
    package var learningRate = 0.0
    package var rho = 0.9
    package var epsilon = 1e-7
    package var momentum = 0.0

    package static let type = "rmsprop"
    package static var options: Section<RMSprop> {
        Section(
            initial: RMSprop(),
            fields: [
                .learningRate(\.learningRate, isRequired: true),
                .key("rho", \.rho, .number(.below(0, 1)), "Decay of the mean square."),
                .key("epsilon", \.epsilon, .number(.above(0, 1)), "Added to the root of the mean square."),
                .momentum(\.momentum),
            ])
    }

    package var cycledMomentum: Double? {
        get { momentum == 0 ? nil : momentum }
        set { if let newValue { momentum = newValue } }
    }
    package var initialSecondMoment: Float? { 0 }

    package func step(_ number: Int, learningRate: Double) -> any ElementwiseStep {
        Step(
            rate: Float(learningRate), rho: rho, epsilon: OptimizerKernels.divisor(epsilon), momentum: Float(momentum))
    }

    private struct Step: ElementwiseStep {
        let rate: Float
        let rho: Double
        let epsilon, momentum: Float

        func apply(
            _ block: OptimizerBlock, w: AlignedBuffer<Float>, g: AlignedBuffer<Float>, memory: OptimizerMemory,
            filter: OptimizerKernels.GradientFilter
        ) {
            guard let v = memory.v else { return }
            OptimizerKernels.rmsprop(
                block.range, w: w, g: g, v: v, m: memory.m, filter: filter, rate: rate, rho: rho, epsilon: epsilon,
                momentum: momentum)
        }
    }
}
