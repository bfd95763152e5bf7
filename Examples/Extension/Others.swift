import Numeral

/// The sign of the momentum (Chen et al. 2023, arXiv:2302.06675): an optimizer given by its formula.
struct Lion: VectorRule {
    var learningRate = 1e-4, beta1 = 0.9, beta2 = 0.99, weightDecay = 0.0

    static let type = "lion"
    static var options: Section<Lion> {
        Section(
            initial: Lion(),
            fields: [
                .learningRate(\.learningRate), .weightDecay(\.weightDecay),
                .key("beta1", \.beta1, .number(.below(0, 1)), "Part of the momentum in the direction."),
                .key("beta2", \.beta2, .number(.below(0, 1)), "Part of the momentum that is kept."),
            ])
    }

    /// There is a momentum, and a schedule may cycle it.
    var cycledMomentum: Double? {
        get { beta1 }
        set { beta1 = newValue ?? beta1 }
    }

    func coefficients(_ step: Int, learningRate: Double, decays: Bool) -> SIMD4<Float> {
        SIMD4(Float(learningRate), Float(beta1), Float(beta2), Float(decays ? learningRate * weightDecay : 0))
    }

    func update(
        _ w: inout SIMD16<Float>, _ g: SIMD16<Float>, m: inout SIMD16<Float>, v: inout SIMD16<Float>, _ c: SIMD4<Float>
    ) {
        let direction = m * c[1] + g * (1 - c[1]), one = SIMD16<Float>(repeating: c[0])
        w -=
            w * c[3]
            + SIMD16<Float>().replacing(with: one, where: direction .> 0).replacing(with: -one, where: direction .< 0)
        m = m * c[2] + g * (1 - c[2])
    }
}

/// The recall of the class that is read worst: a metric.
struct WorstRecall: MetricKind {
    static let type = "worstRecall"
    static var options: Section<WorstRecall> { Section(initial: WorstRecall(), fields: []) }

    func value(_ predictions: Predictions) -> Double {
        ClassificationReport(ConfusionMatrix(predictions)).perClass.map(\.recall).min() ?? .nan
    }
}

/// Some pixels black, some white: an augmentation.
struct SaltAndPepper: AdjustmentKind {
    var share: Float = 0.02

    static let type = "saltAndPepper"
    static var options: Section<SaltAndPepper> {
        Section(
            initial: SaltAndPepper(),
            fields: [.key("share", \.share, .number(.closed(0, 1)), "Of the values.")])
    }

    func apply(to image: inout MutableSpan<Float>, _ shape: Shape, _ random: inout RandomStream) {
        for i in 0..<image.count where random.uniform() < share { image[i] = random.uniform() < 0.5 ? 0 : 1 }
    }
}
