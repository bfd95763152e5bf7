import Datasets
import Formats
import NeuralNetwork
import Tensors
import Training

extension Experiment {
    /// Returns an experiment that fine-tunes a trained network on other images: the model's network and augmentation,
    /// the number of classes of the new data, and a recipe for few images.
    ///
    /// - Parameter path: The path of the model, for ``TrainingOptions/initialModel``.
    package static func fineTuning(_ model: SavedModel, from path: String) -> Experiment {
        var experiment = model.experiment
        experiment.name = String(experiment.name.prefix(90)) + "-finetuned"
        // Keeps the preprocessing of pixels, but not the source of the images or the class names.
        (experiment.data.files, experiment.data.directory, experiment.data.classNames) = (nil, nil, nil)
        (experiment.data.provider, experiment.data.fold) = (nil, nil)
        (experiment.data.labelColumn, experiment.data.weightColumn) = (nil, nil)
        experiment.data.source = .auto
        // Shares of other data. Early stopping watches a validation split.
        let usual = DataOptions()
        (experiment.data.testFraction, experiment.data.validationFraction) =
            (usual.testFraction, usual.validationFraction)
        experiment.model = experiment.model.unsettled.followingClasses
        var training = TrainingOptions()
        training.initialModel = path
        training.epochs = 20
        training.batchSize = 16
        training.optimizer = .adamW(learningRate: 2e-3)
        training.schedule = .cosine()
        training.loss = experiment.training.loss
        training.labelSmoothing = experiment.training.labelSmoothing
        training.earlyStopping = EarlyStoppingOptions(patience: 8)
        training.layerDecay = 0.85
        experiment.training = training
        return experiment
    }
}

extension ReferencedModels {
    /// Returns the initial weights of training if the options name a model, and standardises the data with that model's
    /// constants.
    ///
    /// - Throws: An ``InputError`` if the network, normalisation or options are incompatible with the model; an
    ///   ``OperationError`` if layers that start afresh cannot be initialised.
    package func initialWeights(
        for graph: ResolvedGraph, _ experiment: Experiment, data: inout LoadedData
    ) throws -> InitialWeights? {
        guard let initial, let path = experiment.training.initialModel else { return nil }
        guard experiment.training.whitening == nil else {
            throw InputError(
                "training.whitening", expected: "null with training.initialModel", received: "filters from the images",
                remedy: "the model brings its own")
        }
        switch (initial.normalization, experiment.data.normalization) {
        case (let constants?, .standardize): data = data.standardized(by: constants)
        case (nil, .none): break
        case (let constants, _):
            throw InputError(
                "data.normalization",
                expected: "\"\(constants == nil ? "none" : "standardize")\", as \(path) was trained",
                received: "\"\(experiment.data.normalization.rawValue)\"")
        }
        return try InitialWeights(
            for: graph, classes: data.train.classNames, seed: experiment.seed,
            from: (initial.graph, initial.classNames, initial.parameters, initial.state), path: path)
    }
}
