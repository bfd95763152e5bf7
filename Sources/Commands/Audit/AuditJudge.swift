import Numeral
import Tensors
import Workers

/// The networks that an audit asks: one, or those of a cross-validation together.
final class AuditJudge {
    private let classifiers: [Classifier]

    init(_ models: [SavedModel], pool: WorkerPool) {
        classifiers = models.map { Self.classifier($0, pool: pool) }
    }

    static func classifier(_ model: SavedModel, pool: WorkerPool) -> Classifier {
        let classifier = Classifier(
            graph: model.graph, batchSize: model.experiment.evaluation.batchSize, normalization: model.normalization,
            pool: pool, keepsFeatures: true)
        classifier.load(parameters: model.parameters, state: model.state)
        return classifier
    }

    /// The mean of the networks' probabilities, `[N, K]`.
    func probabilities(of images: ImageSet) -> [Double] {
        var mean: [Double] = []
        for classifier in classifiers {
            let own = classifier.probabilities(of: images)
            if mean.isEmpty { mean = [Double](repeating: 0, count: own.count) }
            for i in own.indices { mean[i] += Double(own[i]) }
        }
        return mean.map { $0 / Double(classifiers.count) }
    }

    /// The first network's, averaged over places; nil: it has none.
    func features(of images: ImageSet) -> [Float]? { classifiers[0].activations(of: images)?.features }

    /// How strange images are to the first network: 0 is the median of known ones, 1 their 95th percentile.
    /// - Parameter detector: its own; nil: none.
    func strangeness(of images: ImageSet, by detector: StrangerDetector?) -> [Double]? {
        guard let detector, let activations = classifiers[0].activations(of: images) else { return nil }
        return detector.scaled(
            detector.scores(.init(logits: activations.logits, features: activations.features)))
    }
}
