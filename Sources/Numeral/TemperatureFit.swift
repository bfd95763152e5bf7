import Datasets
import Evaluation
import NeuralNetwork
import Training
import Workers

extension TrainedModel {
    /// The temperature that calibrates a network on `images`; nil where there are none.
    package static func temperature(
        of model: TrainedModel, graph: ResolvedGraph, batchSize: Int,
        normalization: (mean: Float, standardDeviation: Float)?, images: ImageSet, pool: WorkerPool
    ) -> Double? {
        guard images.count > 0 else { return nil }
        let classifier = Classifier(graph: graph, batchSize: batchSize, normalization: normalization, pool: pool)
        classifier.load(parameters: model.parameters, state: model.state)
        return TemperatureScaling.fit(
            logits: classifier.logits(of: images), labels: images.labels, classes: graph.classCount)
    }
}
