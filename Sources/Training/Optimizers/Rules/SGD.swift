import Formats
import Kernels
import Tensors

extension OptimizerOptions {
    /// Stochastic gradient descent: `v ← momentum·v + g`, `w ← w − η·v`; with `nesterov`, `w ← w − η·(g + momentum·v)`.
    public static func sgd(learningRate: Double, momentum: Double = 0, nesterov: Bool = false) -> OptimizerOptions {
        OptimizerOptions(SGD(learningRate: learningRate, momentum: momentum, nesterov: nesterov))
    }
}

/// The rule of ``OptimizerOptions/sgd(learningRate:momentum:nesterov:)``.
package struct SGD: ElementwiseRule {
    package var learningRate = 0.0
    package var momentum = 0.0
    package var nesterov = false

    package static let type = "sgd"
    package static var options: Section<SGD> {
        Section(
            initial: SGD(),
            fields: [
                .learningRate(\.learningRate, isRequired: true), .momentum(\.momentum),
                .key("nesterov", \.nesterov, .boolean, "Whether the momentum looks ahead."),
            ])
    }

    package var cycledMomentum: Double? {
        get { momentum == 0 ? nil : momentum }
        set { if let newValue { momentum = newValue } }
    }
    package var initialSecondMoment: Float? { nil }

    package func step(_ number: Int, learningRate: Double) -> any ElementwiseStep {
        Step(rate: Float(learningRate), momentum: Float(momentum), nesterov: nesterov)
    }

    private struct Step: ElementwiseStep {
        let rate, momentum: Float
        let nesterov: Bool

        func apply(
            _ block: OptimizerBlock, w: AlignedBuffer<Float>, g: AlignedBuffer<Float>, memory: OptimizerMemory,
            filter: OptimizerKernels.GradientFilter
        ) {
            if let m = memory.m {
                OptimizerKernels.momentum(
                    block.range, w: w, g: g, m: m, filter: filter, rate: rate, momentum: momentum, nesterov: nesterov)
            } else {
                OptimizerKernels.sgd(block.range, w: w, g: g, filter: filter, rate: rate)
            }
        }
    }
}
