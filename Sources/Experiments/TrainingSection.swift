import Tensors
import Training

private struct SGD: Sendable {
    var learningRate = 0.0
    var momentum = 0.0
    var nesterov = false
}

private struct RMSprop: Sendable {
    var learningRate = 0.0
    var rho = 0.9
    var epsilon = 1e-7
    var momentum = 0.0
}

private struct Adam: Sendable {
    var learningRate = 1e-3
    var beta1 = 0.9
    var beta2 = 0.999
    var epsilon = 1e-8
    var weightDecay = 1e-2

    static var fields: [Field<Adam>] {
        [
            .key("learningRate", \.learningRate, .learningRate, "Peak learning rate, which the schedule scales."),
            .key("beta1", \.beta1, .number(.below(0, 1)), "Decay of the first moment."),
            .key("beta2", \.beta2, .number(.below(0, 1)), "Decay of the second moment."),
            .key("epsilon", \.epsilon, .number(.above(0, 1)), "Added to the root of the second moment."),
        ]
    }
}

extension Codec where Value == Double {
    fileprivate static var learningRate: Codec { .number(.above(0, 100)) }
}

extension Codec where Value == OptimizerOptions {
    static var optimizer: Codec {
        let momentum = Codec<Double>.number(.below(0, 1))
        let rate = "Peak learning rate, which the schedule scales."
        let sgd = Section(
            initial: SGD(),
            fields: [
                .key("learningRate", \.learningRate, .learningRate, isRequired: true, rate),
                .key("momentum", \.momentum, momentum, "Part of the last step that is kept."),
                .key("nesterov", \.nesterov, .boolean, "Whether the momentum looks ahead."),
            ])
        let rmsprop = Section(
            initial: RMSprop(),
            fields: [
                .key("learningRate", \.learningRate, .learningRate, isRequired: true, rate),
                .key("rho", \.rho, .number(.below(0, 1)), "Decay of the mean square."),
                .key("epsilon", \.epsilon, .number(.above(0, 1)), "Added to the root of the mean square."),
                .key("momentum", \.momentum, momentum, "Part of the last step that is kept."),
            ])
        let decay = Field<Adam>.key(
            "weightDecay", \.weightDecay, .number(.closed(0, 1)),
            "Decoupled decay of weights; biases and batch-norm are spared.")
        return .tagged([
            Variant(
                "sgd", sgd,
                { .sgd(learningRate: $0.learningRate, momentum: $0.momentum, nesterov: $0.nesterov) },
                { optimizer in
                    guard case .sgd(let rate, let momentum, let nesterov) = optimizer else { return nil }
                    return SGD(learningRate: rate, momentum: momentum, nesterov: nesterov)
                }),
            Variant(
                "rmsprop", rmsprop,
                {
                    .rmsprop(learningRate: $0.learningRate, rho: $0.rho, epsilon: $0.epsilon, momentum: $0.momentum)
                },
                { optimizer in
                    guard case .rmsprop(let rate, let rho, let epsilon, let momentum) = optimizer else { return nil }
                    return RMSprop(learningRate: rate, rho: rho, epsilon: epsilon, momentum: momentum)
                }),
            Variant(
                "adam", Section(initial: Adam(), fields: Adam.fields),
                { .adam(learningRate: $0.learningRate, beta1: $0.beta1, beta2: $0.beta2, epsilon: $0.epsilon) },
                { optimizer in
                    guard case .adam(let rate, let beta1, let beta2, let epsilon) = optimizer else { return nil }
                    return Adam(learningRate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon)
                }),
            Variant(
                "adamW", Section(initial: Adam(), fields: Adam.fields + [decay]),
                {
                    .adamW(
                        learningRate: $0.learningRate, beta1: $0.beta1, beta2: $0.beta2, epsilon: $0.epsilon,
                        weightDecay: $0.weightDecay)
                },
                { optimizer in
                    guard case .adamW(let rate, let beta1, let beta2, let epsilon, let decay) = optimizer
                    else { return nil }
                    return Adam(
                        learningRate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: decay)
                }),
        ])
    }
}

private struct Step: Sendable {
    var every = 0
    var factor = 0.0
}

private struct OneCycle: Sendable {
    var warmupFraction = 0.3
    var initialDivisor = 25.0
    var finalDivisor = 1e4
}

extension Codec where Value == ScheduleOptions {
    static var schedule: Codec {
        let step = Section(
            initial: Step(),
            fields: [
                .key("every", \.every, .integer(1...100_000), isRequired: true, "Epochs between two changes."),
                .key("factor", \.factor, .number(.above(0, 10)), isRequired: true, "Factor of each change."),
            ])
        let decay = Field<Double>.key(
            "decay", \.self, .number(.above(0, 1)), isRequired: true, "Factor an epoch, applied continuously.")
        let final = Field<Double>.key(
            "finalFactor", \.self, .number(.closed(0, 1)), "Part of the peak that is left at the end.")
        let oneCycle = Section(
            initial: OneCycle(),
            fields: [
                .key(
                    "warmupFraction", \.warmupFraction, .number(.below(0, 1)),
                    "Part of the steps in which the rate rises."),
                .key("initialDivisor", \.initialDivisor, .number(.closed(1, 1e9)), "Peak over the first rate."),
                .key("finalDivisor", \.finalDivisor, .number(.closed(1, 1e9)), "First rate over the last."),
            ])
        return .tagged([
            Variant("constant", Section(initial: Nothing(), fields: []), { _ in .constant }) {
                $0 == .constant ? Nothing() : nil
            },
            Variant("step", step, { .step(every: $0.every, factor: $0.factor) }) {
                guard case .step(let every, let factor) = $0 else { return nil }
                return Step(every: every, factor: factor)
            },
            Variant("exponential", Section(initial: 1, fields: [decay]), { .exponential(decay: $0) }) {
                if case .exponential(let decay) = $0 { decay } else { nil }
            },
            Variant("cosine", Section(initial: 0, fields: [final]), { .cosine(finalFactor: $0) }) {
                if case .cosine(let factor) = $0 { factor } else { nil }
            },
            Variant(
                "oneCycle", oneCycle,
                {
                    .oneCycle(
                        warmupFraction: $0.warmupFraction, initialDivisor: $0.initialDivisor,
                        finalDivisor: $0.finalDivisor)
                },
                { schedule in
                    guard case .oneCycle(let warmup, let initial, let final) = schedule else { return nil }
                    return OneCycle(warmupFraction: warmup, initialDivisor: initial, finalDivisor: final)
                }),
        ])
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
        let averaging = Section<Double>(
            initial: 0,
            fields: [.key("decay", \.self, .number(.open(0, 1)), isRequired: true, "Part kept at each step.")])
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
                .key("schedule", \.schedule, .schedule, "How the learning rate changes with time."),
                .key(
                    "warmupEpochs", \.warmupEpochs, .number(.closed(0, 100_000)),
                    "Epochs over which the rate first rises from 0."),
                .key("labelSmoothing", \.labelSmoothing, .number(.below(0, 1)), "Weight of the uniform target."),
                .key("l2", \.l2, .number(.closed(0, 1)), "λ of λ/2 · Σ w², biases and batch-norm spared."),
                .optional("gradientClipping", \.gradientClipping, .clipping, "Bound on the gradient; null: none."),
                .optional(
                    "earlyStopping", \.earlyStopping, stopping.codec,
                    "When to stop early, keeping the best weights; null: never, keeping the last."),
                .optional(
                    "averaging", \.averagingDecay, averaging.codec,
                    "Exponential moving average of the weights; null: none."),
                .optional(
                    "checkpoints", \.checkpoints, checkpoints.codec,
                    "When to write down where training stands, to go on from there; null: never."),
                .key(
                    "shards", \.shards, .integer(1...1024),
                    "Parts that a batch is cut into, whatever the number of threads: fixes the order of sums."),
            ])
    }
}
