import Datasets
import Foundation
import NeuralNetwork
import Synchronization
import Tensors
import Training
import Workers

extension Experiment {
    /// Reads a configuration, as `config/default.json` is one.
    ///
    /// - Parameters:
    ///   - path: the JSON file.
    ///   - overrides: changes of single keys, `training.epochs=3`.
    /// - Throws: an ``InputError`` that names the file and the path in it (`config/default.json: training.epochs`), or the
    ///   override: unknown keys, wrong types, values out of range, sections that contradict each other.
    public static func load(_ path: String, overrides: [String] = []) throws(InputError) -> Experiment {
        try ExperimentFile.load(path: path, overrides: overrides)
    }

    /// The configuration as JSON, all defaults filled in.
    ///
    /// - Throws: an ``InputError`` where an option is out of its range.
    public func encoded() throws(InputError) -> String { try checked().jsonText }

    /// The images that ``data`` names: found on this machine, else downloaded into the user's cache, else (`source` being
    /// `auto`, of MNIST) the 5,000 that ship with the package. The split into training and validation follows ``seed``.
    ///
    /// - Throws: an ``InputError`` where the options are impossible, or a file is absent, damaged or not as published; an
    ///   ``OperationError`` where the images can neither be found nor fetched.
    public func loadData() throws -> LoadedData { try DatasetLoader.load(checked().dataRequest, seed: seed) }

    /// The same, every option within its range.
    /// - Throws: an ``InputError`` that names the option, as a configuration would: `training.labelSmoothing`.
    package func checked(ownValidation: Bool = false) throws(InputError) -> Experiment {
        var copy = self
        // Early stopping needs a split, unless the caller brings one.
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
    /// The same experiment, images and machine give the same model, bit for bit, for any number of threads; and the same as
    /// the command `trainer` on the same images. How convolutions are computed is settled by timing before the first
    /// step, a few tenths of a second unless the user's cache knows it from an earlier run.
    ///
    /// - Parameters:
    ///   - experiment: the network and how it learns. Of `data` it takes `validationFraction` and `normalization`.
    ///   - images: at least two, of the graph's input shape and classes.
    ///   - validation: to watch for early stopping; nil splits off `data.validationFraction` of `images`, of each class
    ///     alike, by the experiment's seed.
    ///   - threads: that compute, in 1…1024; nil: the cores this process may use.
    ///   - progress: told of the start, of every step and epoch, and of the end, on the calling thread.
    /// - Throws: an ``InputError`` where an option is out of range or images and graph do not fit; ``TrainingError`` where
    ///   training diverges; an ``OperationError`` where the linked BLAS multiplies wrongly or a weight's initialisation
    ///   fails; `CancellationError` where the calling task is cancelled, after the step under way.
    public static func train(
        _ experiment: Experiment, on images: ImageSet, validation: ImageSet? = nil, threads: Int? = nil,
        progress: (TrainingEvent) -> Void = { _ in }
    ) throws -> Model {
        try train(
            experiment, on: images, validation: validation, threads: threads, shouldStop: { Task.isCancelled },
            progress: progress)
    }

    /// Trains a network on images in memory, on a thread of its own, so that no thread of the concurrency pool is held.
    ///
    /// - Parameters:
    ///   - experiment: the network and how it learns. Of `data` it takes `validationFraction` and `normalization`.
    ///   - images: at least two, of the graph's input shape and classes.
    ///   - validation: to watch for early stopping; nil splits off `data.validationFraction` of `images`.
    ///   - threads: that compute, in 1…1024; nil: the cores this process may use.
    ///   - progress: told of the start, of every step and epoch, and of the end, on that thread.
    /// - Throws: what the function without `async` throws.
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
        var experiment = try experiment.checked(ownValidation: validation != nil)
        experiment.model = experiment.model.completed(
            inputShape: Shape([images.height, images.width, images.channels]), classes: images.classCount)
        var graph = try ResolvedGraph(experiment.model)
        try check(images, graph, place: "images", least: 2)
        if let validation { try check(validation, graph, place: "validation", least: 1) }
        var data = split(images, validation, experiment)
        let pool = WorkerPool(threads: try Machinery.threads(threads))
        defer { pool.shutdown() }
        try Machinery.requireSoundBLAS()
        let cache = URL(fileURLWithPath: DatasetLocations().cacheDirectory, isDirectory: true)
        // Where timings cannot be kept the next training takes them again.
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
                parameters: trained.parameters, state: trained.state),
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

/// Whether a task was cancelled, for another thread to ask.
private final class Cancellation: Sendable {
    let value = Atomic<Bool>(false)
}
