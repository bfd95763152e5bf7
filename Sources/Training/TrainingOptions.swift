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

    /// η, before the schedule.
    public var learningRate: Double {
        switch self {
        case .sgd(let rate, _, _), .rmsprop(let rate, _, _, _), .adam(let rate, _, _, _),
            .adamW(let rate, _, _, _, _):
            rate
        }
    }
}

/// How the learning rate changes with time, as a factor on the optimizer's `learningRate`.
public enum ScheduleOptions: Hashable, Sendable {
    /// 1.
    case constant
    /// Times `factor` every `every` epochs.
    case step(every: Int, factor: Double)
    /// Times `decay` every epoch, continuously.
    case exponential(decay: Double)
    /// From 1 to `finalFactor` along half a cosine.
    case cosine(finalFactor: Double = 0)
    /// Up from `1 / initialDivisor` to 1 in the first `warmupFraction` of the steps, then down to
    /// `1 / (initialDivisor · finalDivisor)`, both along half cosines (Smith 2018, arXiv:1803.09820, as PyTorch
    /// does it).
    case oneCycle(warmupFraction: Double = 0.3, initialDivisor: Double = 25, finalDivisor: Double = 1e4)
}

/// A bound on the gradient, applied before the optimizer.
public enum GradientClipping: Hashable, Sendable {
    /// Scales the whole gradient so that its Euclidean norm is at most this.
    case norm(Double)
    /// Clamps every element to ± this.
    case value(Double)
}

/// When to stop before the last epoch.
public struct EarlyStoppingOptions: Hashable, Sendable {
    /// The figure that is watched, of the validation images.
    public enum Monitor: String, CaseIterable, Sendable {
        /// Falling loss, or rising accuracy.
        case validationLoss, validationAccuracy
    }
    /// What is watched.
    public var monitor: Monitor
    /// Epochs without improvement after which training stops.
    public var patience: Int
    /// The least change that counts as improvement, ≥ 0.
    public var minimumChange: Double

    /// Stops after `patience` epochs without an improvement of more than `minimumChange`.
    public init(monitor: Monitor = .validationLoss, patience: Int = 5, minimumChange: Double = 0) {
        self.monitor = monitor
        self.patience = patience
        self.minimumChange = minimumChange
    }
}

/// When a run writes down where it stands, and how many of these checkpoints it keeps. None of it changes what is learnt.
package struct CheckpointOptions: Hashable, Sendable {
    /// After every so many steps, ≥ 1; nil: not by steps.
    package var everySteps: Int? = nil
    /// After the step at which so many minutes have passed since the last one, > 0; nil: not by time.
    package var everyMinutes: Double? = 5
    /// At the end of an epoch, after its validation, unless the last one took more than ``largestShare`` of the time
    /// that has passed since: short epochs are not slowed down.
    package var everyEpoch = true
    /// The newest so many are kept, ≥ 1. With two, one may be damaged.
    package var keep = 2

    /// The part of the time that writing at the ends of epochs may take.
    package static let largestShare = 0.01

    package init(
        everySteps: Int? = nil, everyMinutes: Double? = 5, everyEpoch: Bool = true, keep: Int = 2
    ) {
        self.everySteps = everySteps
        self.everyMinutes = everyMinutes
        self.everyEpoch = everyEpoch
        self.keep = keep
    }
}

/// Everything that the section `training` of a configuration says.
public struct TrainingOptions: Hashable, Sendable {
    /// Passes over the training images, ≥ 1.
    public var epochs = 10
    /// Images a step, ≥ 1; ≥ 2 with batch-norm.
    public var batchSize = 128
    /// How the weights follow the gradient.
    public var optimizer = OptimizerOptions.adam()
    /// How the learning rate changes with time.
    public var schedule = ScheduleOptions.constant
    /// Epochs (fractions allowed) over which the rate rises linearly from 0 before the schedule's own shape.
    public var warmupEpochs = 0.0
    /// In [0, 1): the target is `1 − s + s/K` for the true class and `s/K` for the others.
    public var labelSmoothing = 0.0
    /// Coefficient of `λ/2 · Σ w²` over weights (not biases, not batch-norm), added to the gradient.
    public var l2 = 0.0
    /// A bound on the gradient; nil: none.
    public var gradientClipping: GradientClipping? = nil
    /// Nil trains all epochs and keeps the last weights.
    public var earlyStopping: EarlyStoppingOptions? = EarlyStoppingOptions()
    /// Decay of the exponential moving average of the weights, in (0, 1); nil keeps none.
    public var averagingDecay: Double? = nil
    /// Nil writes none: an interrupted run can then not go on.
    package var checkpoints: CheckpointOptions? = CheckpointOptions()
    /// Parts that a batch is cut into, whatever the thread count: it fixes the order of every sum.
    public var shards = 16

    /// Ten epochs of Adam in batches of 128, with early stopping.
    public init() {}
}

/// One finished epoch.
public struct EpochRecord: Hashable, Sendable, Codable {
    /// From 1.
    public var epoch: Int
    /// Of the last step.
    public var learningRate: Double
    /// Means over the epoch's samples, in training mode (with dropout and augmentation).
    public var trainingLoss: Double
    /// The share of images read right, in [0, 1].
    public var trainingAccuracy: Double
    /// Of the same loss, smoothing included, in inference mode; nil where there is no validation split.
    public var validationLoss: Double?
    /// The share of validation images read right; nil where there are none.
    public var validationAccuracy: Double?
    /// Wall time of the training part, and its rate.
    public var seconds: Double
    /// Training images a second.
    public var imagesPerSecond: Double

    /// One epoch's figures.
    public init(
        epoch: Int, learningRate: Double, trainingLoss: Double, trainingAccuracy: Double, validationLoss: Double?,
        validationAccuracy: Double?, seconds: Double, imagesPerSecond: Double
    ) {
        self.epoch = epoch
        self.learningRate = learningRate
        self.trainingLoss = trainingLoss
        self.trainingAccuracy = trainingAccuracy
        self.validationLoss = validationLoss
        self.validationAccuracy = validationAccuracy
        self.seconds = seconds
        self.imagesPerSecond = imagesPerSecond
    }
}

/// What a training run tells about itself.
public struct TrainingHistory: Hashable, Sendable, Codable {
    /// The finished epochs, in order.
    public var epochs: [EpochRecord] = []
    /// The epoch whose weights were kept (from 1).
    public var bestEpoch = 0
    /// Whether early stopping ended it.
    public var stoppedEarly = false
    /// Wall time of the training parts of all epochs.
    public var seconds = 0.0
    /// Training images a second, over all epochs.
    public var imagesPerSecond = 0.0

    /// Nothing yet.
    public init() {}
}
