import Datasets
import Evaluation
import NeuralNetwork
import Tensors
import Training

/// The contents of one JSON configuration, with defaults filled in.
public struct Experiment: Hashable, Sendable {
    /// The name of the run folder: 1…100 letters, digits, `_`, `-`, `.`, not beginning with `-` or `.`.
    public var name: String
    /// The seed of all random numbers of the run, 0…2⁵³.
    public var seed: UInt64
    /// The images and their preprocessing.
    public var data: DataOptions
    /// Random changes to the training images.
    public var augmentation: AugmentationOptions
    /// The network.
    public var model: Graph
    /// How the network learns.
    public var training: TrainingOptions
    package var evaluation: EvaluationOptions
    package var output: OutputOptions

    /// Creates an experiment from a network and the options of its training.
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
    /// The number of images per batch at inference.
    package var batchSize = 500
    /// The views of each test image whose probabilities are averaged, in the test after training and by
    /// `trainer evaluate`; nil uses the image alone. Validation during training always uses the image alone.
    package var testTimeAugmentation: TestTimeAugmentation? = nil
    /// Metrics in addition to those that every test computes.
    package var metrics: [Metric] = []

    package init() {}
}

/// The section `output`.
package struct OutputOptions: Hashable, Sendable {
    /// The folder in which run folders are created.
    package var directory = "runs"
    /// Whether a run writes every training event as a line of JSON to `events.jsonl`.
    package var events = true
    /// Whether a run writes an event file for TensorBoard.
    package var tensorBoard = true

    package init() {}
}

extension Experiment {
    /// Checks that ``evaluation`` asks for nothing that is only for single images with one label.
    package func checkEvaluation() throws(InputError) {
        guard data.lines != nil || data.multiLabel else { return }
        let absent = [
            ("testTimeAugmentation", "null", evaluation.testTimeAugmentation != nil),
            ("metrics", "none", !evaluation.metrics.isEmpty),
        ]
        for (key, expected, isGiven) in absent where isGiven {
            throw InputError(
                "evaluation.\(key)", expected: "\(expected) with data.\(data.lines != nil ? "lines" : "multiLabel")",
                received: "options of single images with one label")
        }
    }
}
