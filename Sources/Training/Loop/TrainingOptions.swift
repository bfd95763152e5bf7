import NeuralNetwork

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

/// Learning from trained networks beside the labels: the loss becomes `(1 − w)·H(target, p) + w·T²·KL(q ‖ p_T)`, `q` the
/// mean of the teachers' softmax at temperature T on the same augmented images, `p_T` the student's at T. Validation
/// keeps to the labels. Source: Hinton, Vinyals, Dean 2015, arXiv:1503.02531.
public struct DistillationOptions: Hashable, Sendable {
    /// Runs, model files, or folders of model files.
    public var teachers: [String]
    /// T > 0: the higher, the more the less likely classes count.
    public var temperature: Double
    /// w in [0, 1].
    public var weight: Double

    /// Learning from these teachers.
    public init(teachers: [String], temperature: Double = 2, weight: Double = 0.5) {
        self.teachers = teachers
        self.temperature = temperature
        self.weight = weight
    }
}

/// The first convolution's filters from the training images: their patches' principal axes, whitened (Jordan 2024,
/// arXiv:2404.00498).
public struct WhiteningOptions: Hashable, Sendable {
    /// The first so many training images are looked at, ≥ 1.
    public var images: Int
    /// ε > 0, added to each variance.
    public var epsilon: Double
    /// Whether these filters stay as they are.
    public var frozen: Bool

    /// Filters whitened on so many images.
    public init(images: Int = 1_000, epsilon: Double = 5e-4, frozen: Bool = true) {
        self.images = images
        self.epsilon = epsilon
        self.frozen = frozen
    }
}

/// Epochs of training on smaller images, made so by area after augmentation; the last epochs see whole ones. For networks
/// whose weights fit every size of image. Validation is always on whole images.
///
/// Source: J. Howard, S. Gugger, "fastai: a layered API for deep learning", 2020, arXiv:2002.04688 (progressive resizing).
public struct ResizingStage: Hashable, Sendable {
    /// How many, ≥ 1.
    public var epochs: Int
    /// Rows of the images.
    public var height: Int
    /// Columns of the images.
    public var width: Int

    /// So many epochs on images of this size.
    public init(epochs: Int, height: Int, width: Int) {
        self.epochs = epochs
        self.height = height
        self.width = width
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
    /// Nil: the optimizer alone.
    public var lookahead: LookaheadOptions? = nil
    /// How the learning rate changes with time.
    public var schedule = ScheduleOptions.constant
    /// Epochs (fractions allowed) over which the rate rises linearly from 0 before the schedule's own shape.
    public var warmupEpochs = 0.0
    /// What is made small.
    public var loss = Loss.crossEntropy
    /// How much the images of each class count; nil: all alike.
    public var classWeights: ClassWeights? = nil
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
    /// Training images from which batch-norm's statistics of the averaged weights are computed anew after an epoch
    /// (Izmailov et al. 2018, arXiv:1803.05407), rounded down to whole batches of evaluation; 0: the statistics are
    /// averaged like the weights. Without validation it is done after the last epoch alone.
    public var averagingStatisticsImages = 0
    /// Whether these images are augmented as they were in the epoch that ended, as published, or taken as they are.
    public var averagingStatisticsAugmented = true
    /// The weights that training begins with: a run folder, a model file, or `box`, the model in the box; nil: random ones.
    /// Layers are found by name; the last one's classes by theirs, and a class that the model does not know begins anew.
    public var initialModel: String? = nil
    /// Layers that stay as they are, for some epochs or to the end.
    public var frozen: [FrozenLayers] = []
    /// Layers with learning rates of their own; of several that name one layer the factors are multiplied.
    public var learningRates: [LayerRate] = []
    /// In (0, 1]: a layer's rate is multiplied with this once for every layer with a kernel that follows it, so that the
    /// first layers move least. K. Clark et al., "ELECTRA", 2020, arXiv:2003.10555, and BEiT, arXiv:2106.08254.
    public var layerDecay = 1.0
    /// Nil: the labels alone.
    public var distillation: DistillationOptions? = nil
    /// Nil: the initializer's filters.
    public var whitening: WhiteningOptions? = nil
    /// Stages one after the other, from the first epoch on; all epochs after them are on whole images.
    public var progressiveResizing: [ResizingStage] = []
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
