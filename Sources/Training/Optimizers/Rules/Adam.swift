import Formats
import Kernels
import Tensors

extension OptimizerOptions {
    /// Adam (Kingma and Ba 2014, arXiv:1412.6980), with ε outside the root and both moments bias-corrected.
    public static func adam(
        learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8
    ) -> OptimizerOptions {
        OptimizerOptions(Adam(learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon))
    }
}

/// The rule of ``OptimizerOptions/adam(learningRate:beta1:beta2:epsilon:)``. Its formula is at ``OptimizerKernels``.
package struct Adam: ElementwiseRule {
    package var learningRate = 1e-3
    package var beta1 = 0.9
    package var beta2 = 0.999
    package var epsilon = 1e-8

    package static let type = "adam"
    package static var options: Section<Adam> {
        Section(
            initial: Adam(),
            fields: [
                .learningRate(\.learningRate),
                .key("beta1", \.beta1, .number(.below(0, 1)), "Decay of the first moment."),
                .key("beta2", \.beta2, .number(.below(0, 1)), "Decay of the second moment."),
                .key("epsilon", \.epsilon, .number(.above(0, 1)), "Added to the root of the second moment."),
            ])
    }

    package var cycledMomentum: Double? {
        get { beta1 }
        set { if let newValue { beta1 = newValue } }
    }
    package var initialSecondMoment: Float? { 0 }

    package func step(_ number: Int, learningRate: Double) -> any ElementwiseStep {
        step(number, learningRate: learningRate, weightDecay: 0)
    }

    /// Returns the step with decoupled weight decay of the tensors that decay.
    func step(_ number: Int, learningRate: Double, weightDecay: Double) -> Step {
        func coefficients(_ decay: Double) -> OptimizerKernels.AdamStep {
            OptimizerKernels.AdamStep(
                step: number, learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon,
                weightDecay: decay)
        }
        return Step(decaying: coefficients(weightDecay), other: coefficients(0))
    }

    /// The coefficients for tensors that decay, and for the others.
    struct Step: ElementwiseStep {
        let decaying, other: OptimizerKernels.AdamStep

        func coefficients(_ block: OptimizerBlock) -> OptimizerKernels.AdamStep { block.decays ? decaying : other }

        func apply(
            _ block: OptimizerBlock, w: AlignedBuffer<Float>, g: AlignedBuffer<Float>, memory: OptimizerMemory,
            filter: OptimizerKernels.GradientFilter
        ) {
            guard let m = memory.m, let v = memory.v else { return }
            OptimizerKernels.adam(
                block.range, w: w, g: g, m: m, v: v, filter: filter, step: coefficients(block))
        }
    }
}
