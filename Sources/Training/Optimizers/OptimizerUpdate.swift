import Kernels
import Tensors

/// One step's rule with its coefficients rounded to Float, once a step.
enum OptimizerUpdate {
    case sgd(rate: Float)
    case momentum(rate: Float, momentum: Float, nesterov: Bool)
    case adagrad(rate: Float, epsilon: Float)
    case rmsprop(rate: Float, rho: Double, epsilon: Float, momentum: Float)
    /// Adam and AdamW: coefficients for tensors that decay and for the others.
    case adam(decaying: OptimizerKernels.AdamStep, other: OptimizerKernels.AdamStep)
    /// What a ``TensorRule`` has prepared.
    case tensors

    func apply(
        _ block: OptimizerBlock, w: AlignedBuffer<Float>, g: AlignedBuffer<Float>, m: AlignedBuffer<Float>?,
        v: AlignedBuffer<Float>?, filter: OptimizerKernels.GradientFilter
    ) {
        let range = block.range
        switch (self, m, v) {
        case (.sgd(let rate), _, _):
            OptimizerKernels.sgd(range, w: w, g: g, filter: filter, rate: rate)
        case (.momentum(let rate, let momentum, let nesterov), let m?, _):
            OptimizerKernels.momentum(
                range, w: w, g: g, m: m, filter: filter, rate: rate, momentum: momentum, nesterov: nesterov)
        case (.adagrad(let rate, let epsilon), _, let v?):
            OptimizerKernels.adagrad(range, w: w, g: g, v: v, filter: filter, rate: rate, epsilon: epsilon)
        case (.rmsprop(let rate, let rho, let epsilon, let momentum), let m, let v?):
            OptimizerKernels.rmsprop(
                range, w: w, g: g, v: v, m: m, filter: filter, rate: rate, rho: rho, epsilon: epsilon,
                momentum: momentum)
        case (.adam(let decaying, let other), let m?, let v?):
            OptimizerKernels.adam(
                range, w: w, g: g, m: m, v: v, filter: filter, step: block.decays ? decaying : other)
        default:
            preconditionFailure("Optimizer: a moment that this rule needs was not allocated")
        }
    }
}

extension OptimizerOptions {
    /// Whether there is a buffer `m`: Adam's first moment, or the velocity of momentum.
    var keepsFirstMoment: Bool { hasMomentum }

    /// Whether there is a buffer `v`: the running mean, or sum, of squared gradients.
    var keepsSecondMoment: Bool {
        switch self {
        case .sgd: false
        case .adagrad, .rmsprop, .adam, .adamW, .lamb, .muon: true
        }
    }

    /// Whether a step on an element depends on its whole tensor (``TensorRule``).
    var looksAtTensors: Bool {
        switch self {
        case .lamb, .muon: true
        default: false
        }
    }

    /// The rule of step `step` (from 1).
    func update(step: Int, learningRate: Double) -> OptimizerUpdate {
        func adam(_ beta1: Double, _ beta2: Double, _ epsilon: Double, _ decay: Double) -> OptimizerKernels.AdamStep {
            OptimizerKernels.AdamStep(
                step: step, learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon,
                weightDecay: decay)
        }
        let rate = Float(learningRate)
        switch self {
        case .sgd(_, let momentum, let nesterov):
            return momentum == 0
                ? .sgd(rate: rate) : .momentum(rate: rate, momentum: Float(momentum), nesterov: nesterov)
        case .adagrad(_, let decay, _, let epsilon):
            return .adagrad(rate: Float(learningRate / (1 + Double(step - 1) * decay)), epsilon: Float(epsilon))
        case .rmsprop(_, let rho, let epsilon, let momentum):
            return .rmsprop(rate: rate, rho: rho, epsilon: Float(epsilon), momentum: Float(momentum))
        case .adam(_, let beta1, let beta2, let epsilon):
            let step = adam(beta1, beta2, epsilon, 0)
            return .adam(decaying: step, other: step)
        case .adamW(_, let beta1, let beta2, let epsilon, let weightDecay):
            return .adam(decaying: adam(beta1, beta2, epsilon, weightDecay), other: adam(beta1, beta2, epsilon, 0))
        case .lamb, .muon: return .tensors
        }
    }
}
