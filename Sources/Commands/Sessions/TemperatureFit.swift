import Numeral

extension TrainingSession {
    /// The temperature that calibrates `model` on the validation images, never on the test's; nil where there are none.
    func temperature(of model: TrainedModel) -> Double? {
        TrainedModel.temperature(
            of: model, graph: graph, batchSize: experiment.evaluation.batchSize,
            normalization: data.normalizationConstants(experiment.data.normalization), images: data.validation,
            pool: pool)
    }
}
