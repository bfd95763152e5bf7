import Datasets
import NeuralNetwork
import Training

/// Everything one JSON file says, defaults filled in.
public struct Experiment: Hashable, Sendable {
    /// What the run folder is called: 1…100 letters, digits, `_`, `-`, `.`, not beginning with `-` or `.`.
    public var name: String
    /// Of every random number of the run, 0…2⁵³.
    public var seed: UInt64
    public var data: DataOptions
    public var augmentation: AugmentationOptions
    public var model: Graph
    public var training: TrainingOptions
    public var evaluation: EvaluationOptions
    public var output: OutputOptions

    public init(
        name: String, seed: UInt64 = 0, data: DataOptions = DataOptions(),
        augmentation: AugmentationOptions = AugmentationOptions(), model: Graph,
        training: TrainingOptions = TrainingOptions(), evaluation: EvaluationOptions = EvaluationOptions(),
        output: OutputOptions = OutputOptions()
    ) {
        self.name = name
        self.seed = seed
        self.data = data
        self.augmentation = augmentation
        self.model = model
        self.training = training
        self.evaluation = evaluation
        self.output = output
    }
}

/// The section `evaluation`.
public struct EvaluationOptions: Hashable, Sendable {
    /// Images a batch, at inference.
    public var batchSize = 500
    /// Views of each test image whose probabilities are averaged, in the test after training and by
    /// `trainer evaluate`; nil: the image alone. Validation during training looks at the image alone.
    public var testTimeAugmentation: TestTimeAugmentation? = nil

    public init() {}
}

/// The section `output`.
public struct OutputOptions: Hashable, Sendable {
    /// The folder in which run folders are made.
    public var directory = "runs"
    /// Whether a run keeps every training event as a line of JSON, in `events.jsonl`.
    public var events = true
    /// Whether a run keeps an event file for TensorBoard.
    public var tensorBoard = true

    public init() {}
}
