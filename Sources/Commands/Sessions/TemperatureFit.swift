import Numeral

extension TrainingSession {
    /// The temperature that calibrates `model` on the validation images, never on the test's; nil where there are none.
    /// - Throws: an `InputError` where lines of text are of widths that the network does not take.
    func temperature(of model: TrainedModel) throws -> Double? {
        if let lines = data.lines {
            guard data.validation.count > 0 else { return nil }
            let graphs = try LineAssessment.graphs(graph, lines)
            let networks = LineNetworks(graphs, batchSize: experiment.evaluation.batchSize, pool: pool)
            networks.load(parameters: model.parameters, state: model.state)
            return networks.temperature(
                on: try lines.composed(
                    of: data.validation, count: lines.options.validationCount, split: .validation,
                    seed: experiment.seed, columns: graphs.map(\.outputColumns)))
        }
        return TrainedModel.temperature(
            of: model, graph: graph, batchSize: experiment.evaluation.batchSize,
            normalization: data.normalizationConstants(experiment.data.normalization), images: data.validation,
            pool: pool)
    }
}
