import Datasets
import Evaluation
import Formats
import NeuralNetwork
import Tensors
import Training

extension Section where Root == Experiment {
    /// The whole configuration, with its keys in the order in which they are written.
    static var experiment: Section {
        let evaluation = Section<EvaluationOptions>(
            initial: EvaluationOptions(),
            fields: [
                .key("batchSize", \.batchSize, .integer(1...65_536), "Images a batch, at inference."),
                .optional(
                    "testTimeAugmentation", \.testTimeAugmentation,
                    Section<TestTimeAugmentation>.testTimeAugmentation.codec,
                    "Views of a test image whose probabilities are averaged; null: the image alone."),
                .key(
                    "metrics", \.metrics,
                    .array(
                        .tagged(Metric.kinds.map { $0.variant }), count: 0...100,
                        expected: "a list of at most 100 metrics"),
                    "Figures of the test beside those that every test has."),
            ])
        let output = Section<OutputOptions>(
            initial: OutputOptions(),
            fields: [
                .key("directory", \.directory, .text(limit: 4096), "The folder in which run folders are made."),
                .key(
                    "events", \.events, .boolean,
                    "Whether events.jsonl keeps every training event, and figures are written while the run trains."),
                .key("tensorBoard", \.tensorBoard, .boolean, "Whether a run keeps an event file for TensorBoard."),
            ])
        let seed = Codec<Int>.integer(0...(1 << 53)).converted({ value, _, _ in UInt64(value) }, { Int(clamping: $0) })
        return Section(
            initial: Experiment(name: "", model: Graph(inputShape: Shape([28, 28, 1]), nodes: [])),
            fields: [
                schemaReference,
                .key(
                    "name", \.name, .identifier(limit: 100, others: "."), isRequired: true,
                    "What the run folder is called."),
                .key("seed", \.seed, seed, "Seed of every random number of the run."),
                .key("data", \.data, .data, "The images."),
                .key(
                    "augmentation", \.augmentation, Section<AugmentationOptions>.augmentation.codec,
                    "Random changes to the training images, fresh each epoch."),
                .key("model", \.model, .model, isRequired: true, "The network."),
                .key("training", \.training, Section<TrainingOptions>.training.codec, "How the network learns."),
                .key("evaluation", \.evaluation, evaluation.codec, "How it is measured."),
                .key("output", \.output, output.codec, "What is left behind."),
            ])
    }

    /// The key `$schema`, which tells editors where the schema is. It must be a string, is otherwise ignored, and is
    /// never written.
    private static var schemaReference: Field<Experiment> {
        let codec = Codec<String>.text(limit: 4096)
        return Field(
            key: "$schema", isRequired: false, expected: codec.expected,
            schema: .described("Where this schema is, for editors.", codec.schema),
            read: { json, path, _ throws(InputError) in _ = try codec.decode(json, path) },
            write: { _ in nil })
    }
}

extension Codec where Value == Experiment {
    /// The whole configuration, including the checks that involve two sections.
    static var experiment: Codec {
        let object = Section<Experiment>.experiment.codec
        return Codec(
            expected: object.expected, schema: object.schema.merging(crossChecks),
            decode: { json, path throws(InputError) in
                let experiment = try object.decode(json, path)
                try check(experiment, path)
                return experiment
            },
            encode: object.encode)
    }

    private static func check(_ experiment: Experiment, _ path: ConfigurationPath) throws(InputError) {
        let training = path.key("training")
        let usesBatchNormalization = experiment.model.nodes.contains { $0.layer.as(BatchNormalization.self) != nil }
        if usesBatchNormalization, experiment.training.batchSize < 2 {
            throw training.key("batchSize").error(
                "at least 2", .integer(experiment.training.batchSize),
                remedy: "batchNormalization needs the variance of a batch")
        }
        let schedule = training.key("schedule"), optimizer = experiment.training.optimizer
        if experiment.training.schedule.cycledMomentum != nil, !optimizer.hasMomentum {
            throw schedule.key("momentum").error(
                "an optimizer with momentum", Codec<OptimizerOptions>.optimizer.encode(optimizer),
                remedy: "set training.optimizer.momentum above 0, or training.schedule.momentum to null")
        }
        if let sgd = optimizer.as(SGD.self), sgd.nesterov, sgd.momentum == 0 {
            throw training.key("optimizer").key("nesterov").error(
                "false without momentum", .boolean(true), remedy: "set training.optimizer.momentum above 0")
        }
        guard experiment.training.warmupEpochs <= Double(experiment.training.epochs) else {
            throw training.key("warmupEpochs").error(
                "at most training.epochs, \(experiment.training.epochs)",
                .number(JSONNumber(experiment.training.warmupEpochs)), remedy: "the rate would never reach its peak")
        }
        if experiment.training.schedule.cycles > 1,
            !experiment.training.epochs.isMultiple(of: experiment.training.schedule.cycles)
                || experiment.training.warmupEpochs > 0
        {
            throw schedule.key("cycles").error(
                "a divisor of training.epochs, \(experiment.training.epochs), without warmupEpochs",
                .integer(experiment.training.schedule.cycles), remedy: "a cycle ends with an epoch")
        }
        let resized = experiment.training.progressiveResizing.reduce(0) { $0 + $1.epochs }
        if !experiment.training.progressiveResizing.isEmpty, resized >= experiment.training.epochs {
            throw training.key("progressiveResizing").error(
                "fewer epochs together than training.epochs, \(experiment.training.epochs)", .integer(resized),
                remedy: "the last epochs see whole images")
        }
        let augmentation = experiment.augmentation
        let mixed = (augmentation.mixup?.probability ?? 0) + (augmentation.cutmix?.probability ?? 0)
        guard mixed <= 1 else {
            throw path.key("augmentation").key("cutmix").key("probability").error(
                "at most 1 together with mixup.probability", .number(JSONNumber(mixed)),
                remedy: "an image is mixed one way or the other")
        }
        if experiment.training.earlyStopping != nil, experiment.data.validationFraction == 0,
            experiment.data.files?.validationImages == nil || experiment.data.fold != nil
        {
            throw path.key("data").key("validationFraction").error(
                "above 0 with training.earlyStopping", .integer(0),
                remedy: "it watches the validation split; or set training.earlyStopping to null")
        }
    }

    /// Those of the checks that the schema can express.
    private static var crossChecks: JSONObject {
        let given = { (key: String, schema: JSONValue) -> JSONValue in
            ["properties": .object([key: schema]), "required": .array([.string(key)])]
        }
        let normalizes = given(
            "model", given("layers", ["contains": given("type", ["const": "batchNormalization"])]))
        let noSplit = given(
            "data",
            [
                "allOf": .array([
                    given("validationFraction", ["const": .integer(0)]),
                    [
                        "anyOf": .array([
                            ["not": given("files", given("validationImages", ["type": "string"]))],
                            given("fold", ["type": "object"]),
                        ])
                    ],
                ])
            ])
        let without = { (type: String) -> JSONValue in
            [
                "properties": [
                    "type": ["const": .string(type)], "momentum": ["const": .integer(0)],
                ], "required": .array(["type"]),
            ]
        }
        let noMomentum = given(
            "training", given("optimizer", ["anyOf": .array([without("sgd"), without("rmsprop")])]))
        return [
            "allOf": .array([
                [
                    "if": noMomentum,
                    "then": [
                        "properties": [
                            "training": [
                                "properties": ["schedule": ["properties": ["momentum": ["const": .null]]]]
                            ]
                        ]
                    ],
                ],
                [
                    "if": normalizes,
                    "then": ["properties": ["training": ["properties": ["batchSize": ["minimum": .integer(2)]]]]],
                ],
                ["if": noSplit, "then": given("training", given("earlyStopping", ["const": .null]))],
            ])
        ]
    }
}

extension Experiment {
    /// The experiment as JSON with every key, in a fixed order; decoding it returns an equal experiment.
    ///
    /// A value that a configuration cannot express is lost: a `data.dataset` beside `data.files`.
    /// - Precondition: every option lies in its legal range.
    package var json: JSONValue { Codec.experiment.encode(self) }

    /// ``json`` as text: the resolved configuration stored in run folders and model files.
    package var jsonText: String { json.prettyText }

    /// The JSON Schema (draft 2020-12) of a configuration, stored in `config/schema.json`.
    package static var schema: JSONValue {
        let head: JSONObject = [
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Numeral experiment",
            "description": "Everything one training run needs. Unknown keys are refused.",
        ]
        return .object(head.merging(Codec.experiment.schema))
    }
}
