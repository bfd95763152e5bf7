import Datasets
import NeuralNetwork
import Training

/// Everything one JSON file says, defaults filled in.
public struct Experiment: Hashable, Sendable {
    public var name: String
    public var seed: UInt64
    public var data: DataOptions
    public var augmentation: AugmentationOptions
    public var model: Graph
    public var training: TrainingOptions
    public var evaluation: EvaluationOptions
    public var output: OutputOptions
}

/// The section `evaluation`.
public struct EvaluationOptions: Hashable, Sendable {
    /// Images a batch, at inference.
    public var batchSize = 500

    public init() {}
}

/// The section `output`.
public struct OutputOptions: Hashable, Sendable {
    /// The folder in which run folders are made.
    public var directory = "runs"

    public init() {}
}
