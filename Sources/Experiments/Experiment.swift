import Datasets
import Evaluation
import NeuralNetwork
import Training

/// Everything one JSON file says, defaults filled in.
public struct Experiment: Hashable, Sendable {
    /// What the run folder is called: 1…100 letters, digits, `_`, `-`, `.`, not beginning with `-` or `.`.
    public var name: String
    /// Of every random number of the run, 0…2⁵³.
    public var seed: UInt64
    /// The images, and how pixels are brought to the network.
    public var data: DataOptions
    /// Random changes to the training images.
    public var augmentation: AugmentationOptions
    /// The network.
    public var model: Graph
    /// How the network learns.
    public var training: TrainingOptions
    package var evaluation: EvaluationOptions
    package var output: OutputOptions

    /// A network, and how it learns; what is left out takes its default.
    public init(
        name: String, seed: UInt64 = 0, data: DataOptions = DataOptions(),
        augmentation: AugmentationOptions = AugmentationOptions(), model: Graph,
        training: TrainingOptions = TrainingOptions()
    ) {
        self.init(
            name: name, seed: seed, data: data, augmentation: augmentation, model: model, training: training,
            evaluation: EvaluationOptions(), output: OutputOptions())
    }

    package init(
        name: String, seed: UInt64, data: DataOptions, augmentation: AugmentationOptions, model: Graph,
        training: TrainingOptions, evaluation: EvaluationOptions, output: OutputOptions
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
package struct EvaluationOptions: Hashable, Sendable {
    /// Images a batch, at inference.
    package var batchSize = 500
    /// Views of each test image whose probabilities are averaged, in the test after training and by
    /// `trainer evaluate`; nil: the image alone. Validation during training looks at the image alone.
    package var testTimeAugmentation: TestTimeAugmentation? = nil
    /// Figures beside those that every test has.
    package var metrics: [Metric] = []

    package init() {}
}

/// The section `output`.
package struct OutputOptions: Hashable, Sendable {
    /// The folder in which run folders are made.
    package var directory = "runs"
    /// Whether a run keeps every training event as a line of JSON, in `events.jsonl`.
    package var events = true
    /// Whether a run keeps an event file for TensorBoard.
    package var tensorBoard = true

    package init() {}
}
