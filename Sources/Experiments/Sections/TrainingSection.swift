import Formats
import NeuralNetwork
import Tensors
import Training

extension Codec where Value == OptimizerOptions {
    static var optimizer: Codec { .tagged(OptimizerOptions.rules.map { $0.variant }) }
}

extension Codec where Value == Loss {
    static var loss: Codec { .tagged(Loss.kinds.map { $0.variant }) }
}

extension Codec where Value == ClassWeights {
    /// `balanced`, or an object with factors by class name.
    static var classWeights: Codec {
        let factor = Codec<Double>.number(.above(0, 1e6))
        let expected = "balanced, or an object with a factor for each name of a class"
        return Codec(
            expected: expected,
            schema: [
                "anyOf": .array([
                    ["const": "balanced"],
                    ["type": "object", "additionalProperties": .object(factor.schema), "minProperties": .integer(1)],
                ])
            ],
            decode: { json, path throws(InputError) in
                if json == "balanced" { return .balanced }
                guard let members = json.object?.members, !members.isEmpty else { throw path.error(expected, json) }
                var weights: [String: Double] = [:]
                for member in members { weights[member.key] = try factor.decode(member.value, path.key(member.key)) }
                return .given(weights)
            },
            encode: { weights in
                guard case .given(let weights) = weights else { return .string("balanced") }
                let members = weights.sorted { $0.key < $1.key }.map {
                    JSONObject.Member(key: $0.key, value: factor.encode($0.value))
                }
                return .object(JSONObject(distinct: members))
            })
    }
}

extension Codec where Value == ScheduleOptions {
    static var schedule: Codec { .tagged(ScheduleOptions.shapes.map { $0.variant }) }
}

private struct Averaging: Sendable {
    var decay = 0.0
    var statisticsImages = 0
    var augmentsStatistics = true
}

extension TrainingOptions {
    fileprivate var averaging: Averaging? {
        get {
            averagingDecay.map {
                Averaging(
                    decay: $0, statisticsImages: averagingStatisticsImages,
                    augmentsStatistics: averagingStatisticsAugmented)
            }
        }
        set {
            averagingDecay = newValue?.decay
            averagingStatisticsImages = newValue?.statisticsImages ?? 0
            averagingStatisticsAugmented = newValue?.augmentsStatistics ?? true
        }
    }
}

private struct Clipping: Sendable {
    var norm: Double?
    var value: Double?
}

extension Codec where Value == GradientClipping {
    /// `{"norm": n}` or `{"value": v}`.
    static var clipping: Codec {
        let bound = Codec<Double>.number(.above(0, 1e9))
        let some = bound.converted({ value, _, _ in Double?(value) }, { $0 ?? .infinity })
        let section = Section(
            initial: Clipping(),
            fields: [
                .key("norm", \.norm, some, "Largest Euclidean norm of the whole gradient."),
                .key("value", \.value, some, "Largest magnitude of one element."),
            ])
        let properties = JSONObject(
            distinct: section.fields.map { JSONObject.Member(key: $0.key, value: .object($0.schema)) })
        let schema = JSONObject.schema(properties, requiredKeys: [])
        let count: JSONObject = ["minProperties": .integer(1), "maxProperties": .integer(1)]
        let expected = "an object with 'norm' or 'value'"
        return Codec(
            expected: expected, schema: schema.merging(count),
            decode: { json, path throws(InputError) in
                guard let object = json.object else { throw path.error(expected, json) }
                let clipping = try section.decode(object, path)
                switch (clipping.norm, clipping.value) {
                case (let norm?, nil): return .norm(norm)
                case (nil, let value?): return .value(value)
                default: throw path.error(expected, json)
                }
            },
            encode: { clipping in
                switch clipping {
                case .norm(let norm): ["norm": bound.encode(norm)]
                case .value(let value): ["value": bound.encode(value)]
                }
            })
    }
}

extension Section where Root == TrainingOptions {
    static var training: Section {
        let stopping = Section<EarlyStoppingOptions>(
            initial: EarlyStoppingOptions(),
            fields: [
                .key("monitor", \.monitor, .choice(EarlyStoppingOptions.Monitor.self), "The figure that is watched."),
                .key("patience", \.patience, .integer(1...100_000), "Epochs without improvement before the stop."),
                .key("minimumChange", \.minimumChange, .number(.closed(0, 1e9)), "Least change that counts."),
            ])
        let lookahead = Section<LookaheadOptions>(
            initial: LookaheadOptions(),
            fields: [
                .key("steps", \.steps, .integer(1...100_000), "Steps after which the slow weights follow."),
                .key("alpha", \.alpha, .number(.above(0, 1)), "Part of the way that they go."),
            ])
        let averaging = Section<Averaging>(
            initial: Averaging(),
            fields: [
                .key(
                    "decay", \.decay, .number(.open(0, 1)), isRequired: true,
                    "Part kept at a step; at step t at most (1 + t)/(10 + t)."),
                .key(
                    "statisticsImages", \.statisticsImages, .integer(0...1_000_000_000),
                    "Training images from which batch-norm's statistics are computed anew, in whole batches of evaluation; "
                        + "0: they are averaged too."),
                .key(
                    "augmentsStatistics", \.augmentsStatistics, .boolean,
                    "Whether these images are augmented as in training, or taken as they are."),
            ])
        let steps = Codec<Int>.integer(1...1_000_000_000), minutes = Codec<Double>.number(.above(0, 100_000))
        let checkpoints = Section<CheckpointOptions>(
            initial: CheckpointOptions(),
            fields: [
                .optional("everySteps", \.everySteps, steps, "Steps from one to the next; null: not by steps."),
                .optional("everyMinutes", \.everyMinutes, minutes, "Minutes from one to the next; null: not by time."),
                .key(
                    "everyEpoch", \.everyEpoch, .boolean,
                    "Whether to write one at an epoch's end, where that takes at most a hundredth of the time."),
                .key("keep", \.keep, .integer(1...1000), "The newest so many are kept."),
            ])
        return Section(
            initial: TrainingOptions(),
            fields: [
                .key("epochs", \.epochs, .integer(1...100_000), "Passes over the training set, at most."),
                .key("batchSize", \.batchSize, .integer(1...65_536), "Images a step."),
                .key("optimizer", \.optimizer, .optimizer, "How the weights follow the gradient."),
                .optional(
                    "lookahead", \.lookahead, lookahead.codec, "Slow weights that follow the optimizer's; null: none."),
                .key("schedule", \.schedule, .schedule, "How the learning rate changes with time."),
                .key(
                    "warmupEpochs", \.warmupEpochs, .number(.closed(0, 100_000)),
                    "Epochs over which the rate first rises from 0."),
                .key("loss", \.loss, .loss, "What is made small."),
                .optional(
                    "classWeights", \.classWeights, .classWeights,
                    "How much the images of each class count: balanced, or factors by the classes' names; null: all alike."
                ),
                .key("labelSmoothing", \.labelSmoothing, .number(.below(0, 1)), "Weight of the uniform target."),
                .key("l2", \.l2, .number(.closed(0, 1)), "λ of λ/2 · Σ w², biases and batch-norm spared."),
                .optional("gradientClipping", \.gradientClipping, .clipping, "Bound on the gradient; null: none."),
                .optional(
                    "earlyStopping", \.earlyStopping, stopping.codec,
                    "When to stop early, keeping the best weights; null: never, keeping the last."),
                .optional(
                    "averaging", \.averaging, averaging.codec,
                    "Exponential moving average of the weights; null: none."),
                .optional(
                    "initialModel", \.initialModel, .text(limit: 4096),
                    "The weights to begin with: a run folder, a model file, or box, the model in the box; null: random ones."
                ),
                .key("frozen", \.frozen, .frozen, "Layers that stay as they are, for some epochs or to the end."),
                .key("learningRates", \.learningRates, .layerRates, "Layers with learning rates of their own."),
                .key(
                    "layerDecay", \.layerDecay, .number(.above(0, 1)),
                    "Factor on a layer's rate for each layer with a kernel that follows it."),
                .optional(
                    "distillation", \.distillation, Section<DistillationOptions>.distillation.codec,
                    "Trained networks to learn from beside the labels; null: none."),
                .optional(
                    "whitening", \.whitening, Section<WhiteningOptions>.whitening.codec,
                    "Filters of the first convolution from the images' patches; null: the initializer's."),
                .key(
                    "progressiveResizing", \.progressiveResizing, .resizing,
                    "Stages on smaller images, from the first epoch on; the epochs after them are on whole ones."),
                .optional(
                    "checkpoints", \.checkpoints, checkpoints.codec,
                    "When to write down where training stands, to go on from there; null: never."),
                .key(
                    "shards", \.shards, .integer(1...1024),
                    "Parts that a batch is cut into, whatever the number of threads: fixes the order of sums."),
            ])
    }
}
