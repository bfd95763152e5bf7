/// What a training run tells while it goes on. Sinks (console, files) take it from there; nothing is asked back.
public enum TrainingEvent: Sendable {
    /// Before the first step.
    case began(TrainingScale)
    /// After each step.
    case step(StepProgress)
    /// After each epoch and its validation.
    case epoch(EpochRecord, isBest: Bool)
    /// After the last epoch.
    case ended(TrainingHistory)
}

/// The size of a run.
public struct TrainingScale: Hashable, Sendable {
    /// Images trained on.
    public var trainingImages: Int
    /// Images held back to watch.
    public var validationImages: Int
    /// The most epochs there will be.
    public var epochs: Int
    /// Batches an epoch.
    public var stepsPerEpoch: Int
    /// Weights that are learnt.
    public var parameters: Int
    /// Activations, gradients and scratch.
    public var workspaceBytes: Int
}

/// Where a run stands.
public struct StepProgress: Hashable, Sendable {
    /// From 1.
    public var epoch: Int
    /// In this epoch, from 1.
    public var step: Int
    /// Batches an epoch.
    public var stepsPerEpoch: Int
    /// Images of this epoch so far, and how long they took.
    public var images: Int
    /// Wall time of this epoch so far.
    public var seconds: Double
    /// Means over this epoch so far.
    public var loss: Double
    /// The share of images read right so far, in [0, 1].
    public var accuracy: Double
    /// Of this step.
    public var learningRate: Double
}
