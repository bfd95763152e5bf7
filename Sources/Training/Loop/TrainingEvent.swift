/// An event that a training run reports to its sinks (console, files), which return nothing.
public enum TrainingEvent: Sendable {
    /// Reported before the first step.
    case began(TrainingScale)
    /// Reported after each step.
    case step(StepProgress)
    /// Reported after each epoch and its validation.
    case epoch(EpochRecord, isBest: Bool)
    /// Reported at the end of the run.
    case ended(TrainingHistory)
}

/// The size of a run.
public struct TrainingScale: Hashable, Sendable {
    /// The number of training images.
    public var trainingImages: Int
    /// The number of validation images.
    public var validationImages: Int
    /// The maximum number of epochs.
    public var epochs: Int
    /// The number of steps per epoch.
    public var stepsPerEpoch: Int
    /// The number of parameters.
    public var parameters: Int
    /// The size in bytes of activations, gradients and scratch.
    public var workspaceBytes: Int
}

/// The progress of a run after a step.
public struct StepProgress: Hashable, Sendable {
    /// The current epoch, from 1.
    public var epoch: Int
    /// The step within this epoch, from 1.
    public var step: Int
    /// The number of steps per epoch.
    public var stepsPerEpoch: Int
    /// The number of images of this epoch so far.
    public var images: Int
    /// The wall time of this epoch so far, in seconds.
    public var seconds: Double
    /// The mean loss over this epoch so far.
    public var loss: Double
    /// The fraction of images classified correctly so far in this epoch, in [0, 1].
    public var accuracy: Double
    /// The learning rate of this step.
    public var learningRate: Double
}
