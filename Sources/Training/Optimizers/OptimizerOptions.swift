/// How the weights follow the gradient. `learningRate` is the peak that the schedule scales.
public enum OptimizerOptions: Hashable, Sendable {
    /// Stochastic gradient descent: `v ← momentum·v + g`, `w ← w − η·v`; with `nesterov`, `w ← w − η·(g + momentum·v)`.
    case sgd(learningRate: Double, momentum: Double = 0, nesterov: Bool = false)
    /// `s ← rho·s + (1 − rho)·g²`, `w ← w − η·g/√(s + epsilon)`, with momentum on the step. Hinton 2012, lecture 6e.
    case rmsprop(learningRate: Double, rho: Double = 0.9, epsilon: Double = 1e-7, momentum: Double = 0)
    /// Kingma and Ba 2014, arXiv:1412.6980; ε outside the root, both moments bias-corrected.
    case adam(learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8)
    /// Loshchilov and Hutter 2017, arXiv:1711.05101; decay skips biases and batch-norm.
    case adamW(
        learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
        weightDecay: Double = 1e-2)
    /// Duchi, Hazan, Singer 2011: `v ← v + g²`, `w ← w − η·g/((1 + (t − 1)·learningRateDecay)·(√v + ε))`, v beginning at
    /// `initialAccumulator`.
    case adagrad(
        learningRate: Double = 1e-2, learningRateDecay: Double = 0, initialAccumulator: Double = 0,
        epsilon: Double = 1e-10)
    /// You et al. 2019, arXiv:1904.00962: Adam's direction plus `λ·w`, its norm over each weight tensor made that of the
    /// tensor: `u = m̂/(√v̂ + ε) + λ·w`, `w ← w − η·(‖w‖/‖u‖)·u`. Biases and batch-norm take Adam's step, without decay and
    /// ratio.
    case lamb(
        learningRate: Double = 2e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-6,
        weightDecay: Double = 1e-2)
    /// Orthogonalised momentum for matrices, Adam for the rest: ``MuonOptions``.
    case muon(MuonOptions = MuonOptions())

    /// Jordan et al. 2024, as `torch.optim.Muon` has it: momentum `m ← μ·m + (1 − μ)·g`, whose matrix (a convolution's
    /// kernel as `[kH·kW·inC, outC]`) is orthogonalised by five Newton–Schulz iterations (`NewtonSchulz`) to `o`, then
    /// `w ← w − η·(√max(1, out/in)·o + λ·w)`. Whatever is no matrix is left to Adam.
    public struct MuonOptions: Hashable, Sendable {
        /// Adam for biases and batch-norm; its rate follows the schedule too.
        public struct Adam: Hashable, Sendable {
            /// η > 0, before the schedule.
            public var learningRate: Double
            /// β₁ in [0, 1).
            public var beta1: Double
            /// β₂ in [0, 1).
            public var beta2: Double
            /// ε > 0, outside the root.
            public var epsilon: Double

            /// Adam's options.
            public init(
                learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8
            ) {
                self.learningRate = learningRate
                self.beta1 = beta1
                self.beta2 = beta2
                self.epsilon = epsilon
            }
        }

        /// η > 0 of the matrices, before the schedule.
        public var learningRate: Double
        /// μ in [0, 1).
        public var momentum: Double
        /// Whether the momentum looks ahead.
        public var nesterov: Bool
        /// λ, of the matrices.
        public var weightDecay: Double
        /// For what is no matrix.
        public var adam: Adam

        /// Muon's options.
        public init(
            learningRate: Double = 0.02, momentum: Double = 0.95, nesterov: Bool = true, weightDecay: Double = 0,
            adam: Adam = Adam()
        ) {
            self.learningRate = learningRate
            self.momentum = momentum
            self.nesterov = nesterov
            self.weightDecay = weightDecay
            self.adam = adam
        }
    }

    /// Whether there is a momentum (β₁ of Adam) that a schedule can cycle.
    public var hasMomentum: Bool {
        switch self {
        case .sgd(_, let momentum, _), .rmsprop(_, _, _, let momentum): momentum != 0
        case .adagrad: false
        case .adam, .adamW, .lamb, .muon: true
        }
    }

    /// The same with another momentum (β₁ of Adam), where ``hasMomentum``.
    func with(momentum: Double) -> OptimizerOptions {
        guard hasMomentum else { return self }
        return switch self {
        case .sgd(let rate, _, let nesterov): .sgd(learningRate: rate, momentum: momentum, nesterov: nesterov)
        case .rmsprop(let rate, let rho, let epsilon, _):
            .rmsprop(learningRate: rate, rho: rho, epsilon: epsilon, momentum: momentum)
        case .adam(let rate, _, let beta2, let epsilon):
            .adam(learningRate: rate, beta1: momentum, beta2: beta2, epsilon: epsilon)
        case .adamW(let rate, _, let beta2, let epsilon, let decay):
            .adamW(learningRate: rate, beta1: momentum, beta2: beta2, epsilon: epsilon, weightDecay: decay)
        case .lamb(let rate, _, let beta2, let epsilon, let decay):
            .lamb(learningRate: rate, beta1: momentum, beta2: beta2, epsilon: epsilon, weightDecay: decay)
        case .muon(let muon):
            .muon(
                MuonOptions(
                    learningRate: muon.learningRate, momentum: momentum, nesterov: muon.nesterov,
                    weightDecay: muon.weightDecay, adam: muon.adam))
        case .adagrad: self
        }
    }

    /// η, before the schedule.
    public var learningRate: Double {
        switch self {
        case .sgd(let rate, _, _), .rmsprop(let rate, _, _, _), .adam(let rate, _, _, _),
            .adamW(let rate, _, _, _, _), .adagrad(let rate, _, _, _), .lamb(let rate, _, _, _, _):
            rate
        case .muon(let muon): muon.learningRate
        }
    }
}

/// Two sets of weights: fast ones that the optimizer moves, and slow ones that follow after every `steps` steps,
/// `s ← s + α·(w − s)`, from where the fast ones go on, `w ← s`. An epoch ends with such a step, so that what is validated
/// and kept are the slow weights.
///
/// Source: M. R. Zhang, J. Lucas, G. Hinton, J. Ba, "Lookahead optimizer: k steps forward, 1 step back", 2019,
/// arXiv:1907.08610.
public struct LookaheadOptions: Hashable, Sendable {
    /// k ≥ 1.
    public var steps: Int
    /// α in (0, 1].
    public var alpha: Double

    /// Slow weights that follow every `steps` steps by `alpha`.
    public init(steps: Int = 5, alpha: Double = 0.5) {
        self.steps = steps
        self.alpha = alpha
    }
}
