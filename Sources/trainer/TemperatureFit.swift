import Numeral

extension TrainingSession {
    /// The temperature that calibrates `model` on the validation images, never on the test's; nil where there are none.
    func temperature(of model: TrainedModel) -> Double? {
        guard data.validation.count > 0 else { return nil }
        let classifier = Classifier(
            graph: graph, batchSize: experiment.evaluation.batchSize,
            normalization: data.normalizationConstants(experiment.data.normalization), pool: pool)
        classifier.load(parameters: model.parameters, state: model.state)
        return TemperatureScaling.fit(
            logits: classifier.logits(of: data.validation), labels: data.validation.labels, classes: graph.classCount)
    }
}
