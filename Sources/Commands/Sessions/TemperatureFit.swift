import Numeral

extension TrainingSession {
    /// The temperature that calibrates `model` on the validation images, never on the test's; nil where there are none.
    /// - Throws: an `InputError` where lines of text are of widths that the network does not take.
    func temperature(of model: TrainedModel) throws -> Double? {
        if let lines = data.lines {
            let graphs = try graph.widened(to: lines.widths), columns = graphs.map(\.outputColumns)
            guard let set = try lines.validation(of: data.validation, seed: experiment.seed, columns: columns) else {
                return nil
            }
            let networks = LineNetworks(graphs, batchSize: experiment.evaluation.batchSize, pool: pool)
            networks.load(parameters: model.parameters, state: model.state)
            return networks.temperature(on: set)
        }
        return TrainedModel.temperature(
            of: model, graph: graph, batchSize: experiment.evaluation.batchSize,
            normalization: data.normalizationConstants(experiment.data.normalization), images: data.validation,
            pool: pool)
    }
}
