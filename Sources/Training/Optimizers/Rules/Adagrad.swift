import Formats
import Kernels
import Tensors

extension OptimizerOptions {
    /// Adagrad (Duchi, Hazan, Singer 2011): `v ← v + g²`, `w ← w − η·g/((1 + (t − 1)·learningRateDecay)·(√v + ε))`,
    /// with v starting at `initialAccumulator`.
    public static func adagrad(
        learningRate: Double = 1e-2, learningRateDecay: Double = 0, initialAccumulator: Double = 0,
        epsilon: Double = 1e-10
    ) -> OptimizerOptions {
        OptimizerOptions(
            Adagrad(
                learningRate: learningRate, learningRateDecay: learningRateDecay,
                initialAccumulator: initialAccumulator, epsilon: epsilon))
    }
}

/// The rule of ``OptimizerOptions/adagrad(learningRate:learningRateDecay:initialAccumulator:epsilon:)``.
package struct Adagrad: ElementwiseRule {
    package var learningRate = 1e-2
    package var learningRateDecay = 0.0
    package var initialAccumulator = 0.0
    package var epsilon = 1e-10

    package static let type = "adagrad"
    package static var options: Section<Adagrad> {
        Section(
            initial: Adagrad(),
            fields: [
                .learningRate(\.learningRate),
                .key(
                    "learningRateDecay", \.learningRateDecay, .number(.closed(0, 100)),
                    "d of the factor 1/(1 + (t − 1)·d) on the rate at step t."),
                .key(
                    "initialAccumulator", \.initialAccumulator, .number(.closed(0, 1e9)),
                    "What the sums of squares begin with."),
                .key("epsilon", \.epsilon, .number(.above(0, 1)), "Added to the root of the sum of squares."),
            ])
    }

    package var cycledMomentum: Double? {
        get { nil }
        set {}
    }
    package var initialSecondMoment: Float? { Float(initialAccumulator) }

    package func step(_ number: Int, learningRate: Double) -> any ElementwiseStep {
        Step(rate: Float(learningRate / (1 + Double(number - 1) * learningRateDecay)), epsilon: Float(epsilon))
    }

    private struct Step: ElementwiseStep {
        let rate, epsilon: Float

        func apply(
            _ block: OptimizerBlock, w: AlignedBuffer<Float>, g: AlignedBuffer<Float>, memory: OptimizerMemory,
            filter: OptimizerKernels.GradientFilter
        ) {
            guard let v = memory.v else { return }
            OptimizerKernels.adagrad(block.range, w: w, g: g, v: v, filter: filter, rate: rate, epsilon: epsilon)
        }
    }
}
