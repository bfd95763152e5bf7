import Numeral
import Tensors
import Workers

/// The networks that judge the images of an audit: one, or those of a cross-validation together.
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

    /// Returns the mean of the networks' probabilities, `[N, K]`.
    func probabilities(of images: ImageSet) -> [Double] {
        var mean: [Double] = []
        for classifier in classifiers {
            let own = classifier.probabilities(of: images)
            if mean.isEmpty { mean = [Double](repeating: 0, count: own.count) }
            for i in own.indices { mean[i] += Double(own[i]) }
        }
        return mean.map { $0 / Double(classifiers.count) }
    }

    /// Returns the first network's features, averaged over positions; nil if it has none.
    func features(of images: ImageSet) -> [Float]? { classifiers[0].activations(of: images)?.features }

    /// Returns how strange images look to the first network: 0 is the median of known images, 1 their 95th percentile.
    /// - Parameter detector: the network's own detector; nil if it has none.
    func strangeness(of images: ImageSet, by detector: StrangerDetector?) -> [Double]? {
        guard let detector, let activations = classifiers[0].activations(of: images) else { return nil }
        return detector.scaled(
            detector.scores(.init(logits: activations.logits, features: activations.features)))
    }
}
