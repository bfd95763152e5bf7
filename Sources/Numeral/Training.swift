import Datasets
import Foundation
import NeuralNetwork
import Synchronization
import Tensors
import Training
import Workers

extension Experiment {
    /// Loads a configuration, such as `config/default.json`.
    ///
    /// - Parameters:
    ///   - path: The JSON file.
    ///   - overrides: Overrides of single keys, such as `training.epochs=3`.
    /// - Throws: An ``InputError`` that names the file and the path in it (`config/default.json: training.epochs`) or
    ///   the override, for unknown keys, wrong types, values out of range and sections that contradict each other.
    public static func load(_ path: String, overrides: [String] = []) throws(InputError) -> Experiment {
        try ExperimentFile.load(path: path, overrides: overrides)
    }

    /// Returns the configuration as JSON, with all defaults filled in.
    ///
    /// - Throws: An ``InputError`` if an option is out of range.
    public func encoded() throws(InputError) -> String { try checked().jsonText }

    /// Loads the images that ``data`` names.
    ///
    /// They are taken from this machine, otherwise downloaded to the user's cache; failing that, `source` `auto` falls
    /// back to the 5,000 MNIST images that ship with the package. The split into training and validation depends on
    /// ``seed``.
    ///
    /// - Throws: An ``InputError`` if the options are invalid, or if a file is missing, damaged or not as published; an
    ///   ``OperationError`` if the images can neither be found nor downloaded.
    public func loadData() throws -> LoadedData { try DatasetLoader.load(checked().dataRequest, seed: seed) }

    /// Returns the experiment after validating every option.
    /// - Throws: An ``InputError`` that names the option as in a configuration, such as `training.labelSmoothing`.
    package func checked(ownValidation: Bool = false) throws(InputError) -> Experiment {
        var copy = self
        // Early stopping requires a validation split, unless the caller provides one.
        if ownValidation, data.validationFraction == 0 { copy.data.validationFraction = 0.5 }
        var result = try Experiment.decode(copy.json, name: "")
        if ownValidation { result.data.validationFraction = data.validationFraction }
        return result
    }
}

extension Model {
    /// Trains a network on images in memory.
    ///
    /// ```swift
    /// let graph = try Graph(inputShape: [28, 28, 1], layers: [.flatten, .dense(units: 64), .relu, .dense(units: 10)])
    /// var experiment = Experiment(name: "mine", model: graph)
    /// experiment.training.epochs = 5
    /// let images = try ImageSet(pixels: pixels, labels: labels, height: 28, width: 28)
    /// let model = try Model.train(experiment, on: images) { event in
    ///     if case .epoch(let epoch, _) = event { print(epoch.epoch, epoch.validationAccuracy ?? 0) }
    /// }
    /// ```
    ///
    /// The same experiment, images and machine produce a bit-identical model for any number of threads, identical to
    /// that of the command `trainer` on the same images. The algorithms for convolutions are chosen by timing before
    /// the first step, which takes a few tenths of a second unless the user's cache has the choice already.
    ///
    /// - Parameters:
    ///   - experiment: The network and its training options. Of `data`, only `validationFraction` and `normalization`
    ///     are used.
    ///   - images: At least two images of the graph's input shape and classes.
    ///   - validation: Images to monitor for early stopping; nil splits off `data.validationFraction` of `images`,
    ///     stratified by class, using the experiment's seed.
    ///   - threads: The number of threads, in 1…1024; nil for the cores this process may use.
    ///   - progress: A closure called on the calling thread at the start, after every step and epoch, and at the end.
    /// - Throws: An ``InputError`` if an option is out of range or if images and graph do not match; ``TrainingError``
    ///   if training diverges; an ``OperationError`` if the linked BLAS computes wrong products or a weight's
    ///   initialisation fails; `CancellationError` if the calling task is cancelled, after the current step.
    public static func train(
        _ experiment: Experiment, on images: ImageSet, validation: ImageSet? = nil, threads: Int? = nil,
        progress: (TrainingEvent) -> Void = { _ in }
    ) throws -> Model {
        try train(
            experiment, on: images, validation: validation, threads: threads, shouldStop: { Task.isCancelled },
            progress: progress)
    }

    /// Trains a network on images in memory, on a separate thread, without blocking a thread of the concurrency pool.
    ///
    /// - Parameters:
    ///   - experiment: The network and its training options. Of `data`, only `validationFraction` and `normalization`
    ///     are used.
    ///   - images: At least two images of the graph's input shape and classes.
    ///   - validation: Images to monitor for early stopping; nil splits off `data.validationFraction` of `images`.
    ///   - threads: The number of threads, in 1…1024; nil for the cores this process may use.
    ///   - progress: A closure called on that thread at the start, after every step and epoch, and at the end.
    /// - Throws: The errors of the synchronous function.
    public static func train(
        _ experiment: Experiment, on images: ImageSet, validation: ImageSet? = nil, threads: Int? = nil,
        progress: @escaping @Sendable (TrainingEvent) -> Void = { _ in }
    ) async throws -> Model {
        let isCancelled = Cancellation()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let thread = Thread {
                    continuation.resume(
                        with: Result {
                            try train(
                                experiment, on: images, validation: validation, threads: threads,
                                shouldStop: { isCancelled.value.load(ordering: .relaxed) }, progress: progress)
                        })
                }
                thread.start()
            }
        } onCancel: {
            isCancelled.value.store(true, ordering: .relaxed)
        }
    }

    private static func train(
        _ experiment: Experiment, on images: ImageSet, validation: ImageSet?, threads: Int?,
        shouldStop: () -> Bool, progress: (TrainingEvent) -> Void
    ) throws -> Model {
        // None given, as by a configuration that holds none out.
        let validation = validation.flatMap { $0.count > 0 ? $0 : nil }
        var experiment = try experiment.checked(ownValidation: validation != nil)
        // The model's configuration must be one that can be read again.
        if let validation, experiment.data.validationFraction == 0 {
            let share = Double(validation.count) / Double(images.count + validation.count)
            experiment.data.validationFraction = min(max(share, 1e-6), 0.9)
        }
        // Images say themselves how many labels they have.
        experiment.data.multiLabel = images.isMultiLabel
        experiment.model = try experiment.model.completed(
            inputShape: Shape([images.height, images.width, images.channels]), classes: images.classCount)
        var graph = try ResolvedGraph(experiment.model)
        try check(images, graph, place: "images", least: 2)
        if let validation {
            try check(validation, graph, place: "validation", least: 1)
            guard validation.isMultiLabel == images.isMultiLabel else {
                throw InputError(
                    "validation", expected: images.isMultiLabel ? "several labels an image" : "one label an image",
                    received: images.isMultiLabel ? "one" : "several")
            }
        }
        var data = split(images, validation, experiment)
        let pool = try Machinery.pool(threads: threads)
        defer { pool.shutdown() }
        try Machinery.requireSoundBLAS()
        let cache = URL(fileURLWithPath: DatasetLocations().cacheDirectory, isDirectory: true)
        // If timings cannot be cached, the next training repeats them.
        graph =
            LoweringCache(folder: cache).tuned(
                graph, batchSize: experiment.training.batchSize, shards: experiment.training.shards, note: { _ in }
            ).graph
        experiment.model = graph.graph
        let models = try ReferencedModels(experiment.training)
        let initial = try models.initialWeights(for: graph, experiment, data: &data)
        let trainer = try Trainer(
            graph: graph, options: experiment.training, data: data, augmentation: experiment.augmentation,
            normalization: experiment.data.normalization, evaluationBatchSize: experiment.evaluation.batchSize,
            initial: initial, teachers: models.teachers, seed: experiment.seed, pool: pool)
        let trained = try trainer.run(shouldStop: shouldStop, onEvent: progress)
        guard !trained.interrupted else { throw CancellationError() }
        let normalization = data.normalizationConstants(experiment.data.normalization)
        let calibration = ModelCalibration(
            graph: graph, parameters: trained.parameters, state: trained.state,
            batchSize: experiment.evaluation.batchSize, normalization: normalization, training: data.train,
            heldOut: data.validation, pool: pool)
        return try Model(
            SavedModel(
                experiment: experiment, graph: graph, classNames: images.classNames, normalization: normalization,
                temperature: calibration.temperature, strangers: calibration.strangers,
                learned: LearnedImages(data.train).union(models.initial?.learned), parameters: trained.parameters,
                state: trained.state),
            threads: threads)
    }

    private static func check(
        _ images: ImageSet, _ graph: ResolvedGraph, place: String, least: Int
    ) throws(InputError) {
        guard images.count >= least else {
            throw InputError(place, expected: "at least \(least) images", received: "\(images.count)")
        }
        try Classifier.check(graph, fits: images, named: place)
    }

    private static func split(_ images: ImageSet, _ validation: ImageSet?, _ experiment: Experiment) -> LoadedData {
        if let validation { return LoadedData(train: images, validation: validation) }
        let parts = StratifiedSplit.indices(
            of: images.labels, fraction: experiment.data.validationFraction, seed: experiment.seed)
        return LoadedData(
            train: parts.validation.isEmpty ? images : images.subset(parts.train),
            validation: images.subset(parts.validation))
    }
}

/// A task's cancellation flag that another thread can read.
private final class Cancellation: Sendable {
    let value = Atomic<Bool>(false)
}
