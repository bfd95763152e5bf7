import NeuralNetwork

/// A bound on the gradient, applied before the optimizer.
public enum GradientClipping: Hashable, Sendable {
    /// Scales the whole gradient so that its Euclidean norm is at most this.
    case norm(Double)
    /// Clamps every element to ± this.
    case value(Double)
}

/// Options for stopping before the last epoch.
public struct EarlyStoppingOptions: Hashable, Sendable {
    /// The validation metric to monitor.
    public enum Monitor: String, CaseIterable, Sendable {
        /// The loss, which improves by falling, or the accuracy, which improves by rising.
        case validationLoss, validationAccuracy
    }
    /// The metric to monitor.
    public var monitor: Monitor
    /// The number of epochs without improvement after which training stops.
    public var patience: Int
    /// The change that an improvement must exceed, ≥ 0.
    public var minimumChange: Double

    /// Stops after `patience` epochs without an improvement of more than `minimumChange`.
    public init(monitor: Monitor = .validationLoss, patience: Int = 5, minimumChange: Double = 0) {
        self.monitor = monitor
        self.patience = patience
        self.minimumChange = minimumChange
    }
}

/// When a run writes checkpoints, and how many it keeps. None of these options changes what is learnt.
package struct CheckpointOptions: Hashable, Sendable {
    /// The number of steps between checkpoints, ≥ 1; `nil` writes none by steps.
    package var everySteps: Int? = nil
    /// The minutes between checkpoints, > 0: one is written after the first step by which so much time has passed since
    /// the last; `nil` writes none by time.
    package var everyMinutes: Double? = 5
    /// Whether to write one at the end of an epoch, after its validation. It is skipped if the last one took more than
    /// ``largestShare`` of the time that has passed since, so that short epochs are not slowed down.
    package var everyEpoch = true
    /// The number of checkpoints to keep, the newest ones, ≥ 1. With two, one may be damaged.
    package var keep = 2

    /// The maximum fraction of the time that writing at the ends of epochs may take.
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

/// Options for learning from trained networks in addition to the labels. The loss becomes
/// `(1 − w)·H(target, p) + w·T²·KL(q ‖ p_T)`, with `q` the mean of the teachers' softmax at temperature T on the same
/// augmented images and `p_T` the student's at T. Validation uses the labels alone. Source: Hinton, Vinyals, Dean 2015,
/// arXiv:1503.02531.
public struct DistillationOptions: Hashable, Sendable {
    /// The teachers: runs, model files, or folders of model files.
    public var teachers: [String]
    /// The temperature T > 0; the higher it is, the more the less likely classes count.
    public var temperature: Double
    /// The weight w of the teachers, in [0, 1].
    public var weight: Double

    /// Creates options for learning from these teachers.
    public init(teachers: [String], temperature: Double = 2, weight: Double = 0.5) {
        self.teachers = teachers
        self.temperature = temperature
        self.weight = weight
    }
}

/// Options for initialising the first convolution's filters from the training images: the principal axes of their
/// patches, whitened (Jordan 2024, arXiv:2404.00498).
public struct WhiteningOptions: Hashable, Sendable {
    /// The number of training images to use, ≥ 1, from the first on.
    public var images: Int
    /// The constant ε > 0, added to each variance.
    public var epsilon: Double
    /// Whether training leaves these filters unchanged.
    public var frozen: Bool

    /// Creates options for filters whitened on the first `images` training images.
    public init(images: Int = 1_000, epsilon: Double = 5e-4, frozen: Bool = true) {
        self.images = images
        self.epsilon = epsilon
        self.frozen = frozen
    }
}

/// A stage of training on smaller images, resized by area after augmentation; the last epochs use full-size images. The
/// network's weights must fit every image size. Validation always uses full-size images.
///
/// Source: J. Howard, S. Gugger, "fastai: a layered API for deep learning", 2020, arXiv:2002.04688 (progressive
/// resizing).
public struct ResizingStage: Hashable, Sendable {
    /// The number of epochs, ≥ 1.
    public var epochs: Int
    /// The number of rows of the images.
    public var height: Int
    /// The number of columns of the images.
    public var width: Int

    /// Creates a stage of `epochs` epochs on images of this size.
    public init(epochs: Int, height: Int, width: Int) {
        self.epochs = epochs
        self.height = height
        self.width = width
    }
}

/// The options in the section `training` of a configuration.
public struct TrainingOptions: Hashable, Sendable {
    /// The number of passes over the training images, ≥ 1.
    public var epochs = 10
    /// The number of images per step, ≥ 1; ≥ 2 with batch-norm.
    public var batchSize = 128
    /// The optimizer that updates the weights.
    public var optimizer = OptimizerOptions.adam()
    /// The options of lookahead; `nil` uses the optimizer alone.
    public var lookahead: LookaheadOptions? = nil
    /// The schedule of the learning rate.
    public var schedule = ScheduleOptions.constant
    /// The number of epochs (fractions allowed) over which the rate rises linearly from 0 before the schedule's own
    /// shape.
    public var warmupEpochs = 0.0
    /// The loss to minimise.
    public var loss = Loss.crossEntropy
    /// The weights of the classes in the loss; `nil` weights all of them equally.
    public var classWeights: ClassWeights? = nil
    /// The label smoothing s in [0, 1): the target is `1 − s + s/K` for the true class and `s/K` for the others.
    public var labelSmoothing = 0.0
    /// The coefficient λ of the penalty `λ/2 · Σ w²` over weights (not biases or batch-norm), whose gradient `λ·w` is
    /// added to that of the loss.
    public var l2 = 0.0
    /// The bound on the gradient; `nil` for none.
    public var gradientClipping: GradientClipping? = nil
    /// The options of early stopping; `nil` trains all epochs and keeps the last weights.
    public var earlyStopping: EarlyStoppingOptions? = EarlyStoppingOptions()
    /// The decay of the exponential moving average of the weights, in (0, 1); `nil` keeps no average.
    public var averagingDecay: Double? = nil
    /// The number of training images from which batch-norm's statistics for the averaged weights are recomputed after
    /// an epoch (Izmailov et al. 2018, arXiv:1803.05407), rounded down to whole evaluation batches; 0 averages the
    /// statistics like the weights. Without validation or snapshots they are recomputed only after the last epoch.
    public var averagingStatisticsImages = 0
    /// Whether these images are augmented as in the epoch that just ended, as published, or used unaugmented.
    public var averagingStatisticsAugmented = true
    /// The weights to start from: a run folder, a model file, or `box` for the bundled model; `nil` starts from random
    /// ones. Layers are matched by name, and the last layer's classes by theirs; a class that the model does not know
    /// is initialised at random.
    public var initialModel: String? = nil
    /// The layers that are frozen for some epochs or to the end.
    public var frozen: [FrozenLayers] = []
    /// The layers with separate learning rates; the factors of several entries for one layer are multiplied.
    public var learningRates: [LayerRate] = []
    /// The layer-wise decay of the learning rate, in (0, 1]: a layer's rate is multiplied by this once for every layer
    /// with a kernel that follows it, so that the first layers move least. K. Clark et al., "ELECTRA", 2020,
    /// arXiv:2003.10555, and BEiT, arXiv:2106.08254.
    public var layerDecay = 1.0
    /// The options of distillation; `nil` uses the labels alone.
    public var distillation: DistillationOptions? = nil
    /// The options of whitening; `nil` uses the initializer's filters.
    public var whitening: WhiteningOptions? = nil
    /// The stages of progressive resizing, from the first epoch on; all epochs after them use full-size images.
    public var progressiveResizing: [ResizingStage] = []
    /// When to write checkpoints; `nil` writes none, so that an interrupted run cannot be resumed.
    package var checkpoints: CheckpointOptions? = CheckpointOptions()
    /// The number of shards that a batch is split into, whatever the thread count; it fixes the order of every sum.
    public var shards = 16

    /// Creates the default options: ten epochs of Adam in batches of 128, with early stopping.
    public init() {}
}

/// The metrics of one finished epoch.
public struct EpochRecord: Hashable, Sendable, Codable {
    /// The epoch, from 1.
    public var epoch: Int
    /// The learning rate of the last step.
    public var learningRate: Double
    /// The mean loss over the epoch's samples, in training mode (with dropout and augmentation).
    public var trainingLoss: Double
    /// The fraction of the epoch's samples classified correctly, in [0, 1], in training mode too.
    public var trainingAccuracy: Double
    /// The mean validation loss, label smoothing included, in inference mode; `nil` without a validation split.
    public var validationLoss: Double?
    /// The fraction of validation images classified correctly; `nil` without a validation split.
    public var validationAccuracy: Double?
    /// The wall time of the training part, in seconds.
    public var seconds: Double
    /// The number of training images per second.
    public var imagesPerSecond: Double

    /// Creates the record of an epoch.
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

/// The history of a training run.
public struct TrainingHistory: Hashable, Sendable, Codable {
    /// The finished epochs, in order.
    public var epochs: [EpochRecord] = []
    /// The epoch (from 1) whose weights were kept; 0 before the first.
    public var bestEpoch = 0
    /// Whether early stopping ended the run.
    public var stoppedEarly = false
    /// The wall time of the training parts of all epochs, in seconds.
    public var seconds = 0.0
    /// The number of training images per second, over all epochs.
    public var imagesPerSecond = 0.0

    /// Creates an empty history.
    public init() {}
}
