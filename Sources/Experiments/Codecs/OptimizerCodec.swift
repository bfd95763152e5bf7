import Formats
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

private struct Adagrad: Sendable {
    var learningRate = 1e-2
    var learningRateDecay = 0.0
    var initialAccumulator = 0.0
    var epsilon = 1e-10
}

private struct Adam: Sendable {
    var learningRate = 1e-3
    var beta1 = 0.9
    var beta2 = 0.999
    var epsilon = 1e-8
    var weightDecay = 1e-2

    static let lamb = Adam(learningRate: 2e-3, epsilon: 1e-6)

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
        let adagrad = Section(
            initial: Adagrad(),
            fields: [
                .key("learningRate", \.learningRate, .learningRate, rate),
                .key(
                    "learningRateDecay", \.learningRateDecay, .number(.closed(0, 100)),
                    "d of the factor 1/(1 + (t − 1)·d) on the rate at step t."),
                .key(
                    "initialAccumulator", \.initialAccumulator, .number(.closed(0, 1e9)),
                    "What the sums of squares begin with."),
                .key("epsilon", \.epsilon, .number(.above(0, 1)), "Added to the root of the sum of squares."),
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
            Variant(
                "adagrad", adagrad,
                {
                    .adagrad(
                        learningRate: $0.learningRate, learningRateDecay: $0.learningRateDecay,
                        initialAccumulator: $0.initialAccumulator, epsilon: $0.epsilon)
                },
                { optimizer in
                    guard case .adagrad(let rate, let decay, let initial, let epsilon) = optimizer else { return nil }
                    return Adagrad(
                        learningRate: rate, learningRateDecay: decay, initialAccumulator: initial, epsilon: epsilon)
                }),
            Variant(
                "lamb", Section(initial: Adam.lamb, fields: Adam.fields + [decay]),
                {
                    .lamb(
                        learningRate: $0.learningRate, beta1: $0.beta1, beta2: $0.beta2, epsilon: $0.epsilon,
                        weightDecay: $0.weightDecay)
                },
                { optimizer in
                    guard case .lamb(let rate, let beta1, let beta2, let epsilon, let decay) = optimizer
                    else { return nil }
                    return Adam(
                        learningRate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: decay)
                }),
            Variant("muon", Section<OptimizerOptions.MuonOptions>.muon, { .muon($0) }) {
                if case .muon(let muon) = $0 { muon } else { nil }
            },
        ])
    }
}

extension Section where Root == OptimizerOptions.MuonOptions {
    fileprivate static var muon: Section {
        let adam = Section<Root.Adam>(
            initial: Root.Adam(),
            fields: [
                .key("learningRate", \.learningRate, .learningRate, "Peak learning rate, which the schedule scales."),
                .key("beta1", \.beta1, .number(.below(0, 1)), "Decay of the first moment."),
                .key("beta2", \.beta2, .number(.below(0, 1)), "Decay of the second moment."),
                .key("epsilon", \.epsilon, .number(.above(0, 1)), "Added to the root of the second moment."),
            ])
        return Section(
            initial: Root(),
            fields: [
                .key("learningRate", \.learningRate, .learningRate, "Peak learning rate, which the schedule scales."),
                .key("momentum", \.momentum, .number(.below(0, 1)), "Part of the mean gradient that is kept."),
                .key("nesterov", \.nesterov, .boolean, "Whether the momentum looks ahead."),
                .key("weightDecay", \.weightDecay, .number(.closed(0, 1)), "Decoupled decay of weights."),
                .key("adam", \.adam, adam.codec, "For what is no matrix: biases and batch-norm."),
            ])
    }
}
