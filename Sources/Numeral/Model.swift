import Formats
import Foundation
import Training

/// A trained network that classifies images: a graph, its weights and its classes.
///
/// ```swift
/// let model = try Model.load("runs/default-20261123-201626")
/// let answer = try model.classify(pixels)  // 28·28 bytes
/// print(answer.className, answer.confidence)
/// ```
///
/// A model is thread-safe: any number of tasks and threads may use it concurrently. Each concurrent call of
/// ``classify(_:)-([UInt8])`` computes in its own working memory (``workingBytes``), which is kept for later calls; so
/// the first call, and each one that raises the number of concurrent calls, takes longer. Results do not depend on
/// concurrent calls: the same image gives bit-identical results.
public struct Model: Sendable {
    package let saved: SavedModel
    let engine: InferenceEngine

    /// - Parameter lines: A line-reading network of the same classes, for pictures.
    /// - Throws: An ``InputError`` if `threads` is not in 1…1024 or the network reads lines of text, an
    ///   ``OperationError`` if the BLAS fails its self-test.
    package init(_ saved: SavedModel, lines: SavedModel? = nil, threads: Int?) throws {
        guard !saved.graph.readsLines else {
            throw InputError(
                "model", expected: "a network of single images", received: "one that reads lines of text",
                remedy: "trainer predict --segment --model reads pictures with it")
        }
        try Machinery.requireSoundBLAS()
        self.saved = saved
        engine = InferenceEngine(saved, lines: lines, pool: try Machinery.pool(threads: threads))
    }

    // MARK: - Files

    /// Loads a model from a file written by ``save(to:)``, ``encoded()`` or the command `trainer`, or from a run folder
    /// that contains `model.safetensors`.
    ///
    /// - Parameters:
    ///   - path: A file or a run folder.
    ///   - threads: The number of threads for batches, in 1…1024; nil for the cores this process may use.
    /// - Throws: An ``InputError`` if the file is missing, damaged or of another format, or if its tensors do not match
    ///   its configuration; an ``OperationError`` if the linked BLAS computes wrong products on this machine.
    public static func load(_ path: String, threads: Int? = nil) throws -> Model {
        let saved = try SavedModel.load(path: path)
        return try Model(saved, lines: path == BoxModel.word ? BoxModel.loadLines() : nil, threads: threads)
    }

    /// Decodes a model from the bytes of a file.
    ///
    /// - Parameters:
    ///   - data: The result of ``encoded()``.
    ///   - name: The model's name in errors.
    ///   - threads: The number of threads for batches, in 1…1024; nil for the cores this process may use.
    /// - Throws: The errors of ``load(_:threads:)``.
    public init(decoding data: Data, name: String = "model", threads: Int? = nil) throws {
        try self.init(SavedModel.decode(data, name: name), threads: threads)
    }

    /// Returns the model as the bytes of a safetensors file: weights and running statistics, and as metadata the
    /// configuration, the class names and the normalisation. The same training produces the same bytes.
    public func encoded() -> Data { saved.encoded() }

    /// Writes the model to a file atomically.
    /// - Throws: An ``OperationError`` with the system's reason.
    public func save(to path: String) throws(OperationError) {
        try AtomicFile.write(encoded(), to: URL(fileURLWithPath: path))
    }

    // MARK: - What it is

    /// The experiment the model was trained with: graph, training, augmentation.
    public var experiment: Experiment { saved.experiment }
    /// The shape `[H, W, C]` of an image: height, width, channels.
    public var inputShape: Shape { saved.graph.inputShape }
    /// The names of the K classes.
    public var classNames: [String] { saved.classNames }
    /// The number of trained parameters.
    public var parameterCount: Int { saved.graph.parameterCount }
    /// The number of multiply–add operations per image.
    public var multiplyAdds: Int { saved.graph.multiplyAdds }
    /// The working memory in bytes of each concurrent ``classify(_:)-([UInt8])``.
    public var workingBytes: Int { engine.withClassifier { $0.memoryBytes } }

    // MARK: - Classification

    /// Classifies one image of bytes, on the calling thread.
    ///
    /// A call costs ``multiplyAdds`` operations and allocates only its result: 82,000 parameters and 4 million
    /// multiply-adds take some 0.1 ms on one core.
    /// - Parameter pixels: The pixels `[H, W, C]` in row-major order, 0 for the background, prepared as in training.
    /// - Throws: An ``InputError`` unless there are H·W·C pixels.
    public func classify(_ pixels: [UInt8]) throws(InputError) -> Classification {
        try requireOneLabel()
        try check(pixels.count, images: 1)
        return Classification(engine.withClassifier { $0.probabilities(of: pixels) }, classNames: classNames)
    }

    /// Classifies one image of numbers in [0, 1], on the calling thread; a byte b corresponds to b / 255.
    /// - Parameter pixels: The pixels `[H, W, C]` in row-major order, 0 for the background.
    /// - Throws: An ``InputError`` unless there are H·W·C pixels, or if one is NaN or not in [0, 1].
    public func classify(_ pixels: [Float]) throws(InputError) -> Classification {
        try requireOneLabel()
        try check(pixels.count, images: 1)
        try ImageSet.check(pixels)
        return Classification(engine.withClassifier { $0.probabilities(of: pixels) }, classNames: classNames)
    }

    /// Classifies a batch of images of bytes, on all of the model's threads; calls are serialized.
    /// - Parameter pixels: The pixels `[N, H, W, C]` in row-major order, N ≥ 0.
    /// - Throws: An ``InputError`` if the pixels are not a whole number of images.
    public func classify(images pixels: [UInt8]) throws(InputError) -> [Classification] {
        try classify(unlabelled(pixels))
    }

    /// Returns a set of images `[N, H, W, C]` whose classes are not known.
    /// - Throws: An ``InputError`` if the pixels are not a whole number of images.
    func unlabelled(_ pixels: [UInt8]) throws(InputError) -> ImageSet {
        let count = try check(pixels.count, images: nil)
        return try ImageSet(
            pixels: pixels, labels: [Int](repeating: 0, count: count), height: inputShape.height,
            width: inputShape.width, channels: inputShape.channels, classNames: classNames)
    }

    /// Classifies a batch of images of numbers in [0, 1], on all of the model's threads; calls are serialized.
    /// - Parameter pixels: The pixels `[N, H, W, C]` in row-major order, N ≥ 0.
    /// - Throws: An ``InputError`` if the pixels are not a whole number of images, or if one is NaN or not in [0, 1].
    public func classify(images pixels: [Float]) throws(InputError) -> [Classification] {
        let count = try check(pixels.count, images: nil)
        return try classify(
            try ImageSet(
                pixels: pixels, labels: [Int](repeating: 0, count: count), height: inputShape.height,
                width: inputShape.width, channels: inputShape.channels, classNames: classNames))
    }

    private func classify(_ images: ImageSet) throws(InputError) -> [Classification] {
        try requireOneLabel()
        let probabilities = try engine.probabilities(of: images)
        let k = classNames.count
        return (0..<images.count).map {
            Classification(Array(probabilities[($0 * k)..<(($0 + 1) * k)]), classNames: classNames)
        }
    }

    /// Evaluates the model on labelled images, on all of its threads, and returns all figures and curves.
    ///
    /// If the configuration requests test-time augmentation (`evaluation.testTimeAugmentation`), the predictions are
    /// averaged over those views.
    ///
    /// - Parameters:
    ///   - images: At least one image of the model's ``inputShape`` and number of classes.
    ///   - bootstrap: Whether to compute 95 % intervals of the figures that are not proportions, from 2,000 resamples
    ///     (a second for 10,000 images).
    /// - Throws: An ``InputError`` if there are no images, or if their size or number of classes is not the model's.
    public func evaluate(on images: ImageSet, bootstrap: Bool = false) throws(InputError) -> EvaluationSummary {
        guard images.count > 0 else { throw InputError("images", expected: "at least one image", received: "none") }
        try requireOneLabel()
        try images.requireOneLabel()
        try Classifier.check(saved.graph, fits: images, named: "images")
        let predictions = try Predictions(
            labels: images.labels.map(Int.init),
            probabilities: try engine.probabilities(
                of: images, averagedOver: saved.experiment.evaluation.testTimeAugmentation), classNames: classNames)
        let intervals =
            bootstrap ? engine.intervals(of: predictions, seed: saved.experiment.seed) : nil
        return EvaluationSummary(
            predictions, bootstrap: intervals, metrics: saved.experiment.evaluation.metrics)
    }

    /// Returns how many of `images` the model has learned: on these, ``evaluate(on:bootstrap:)`` is no test.
    ///
    /// The model's file holds digests of the images it was trained on, of more than 4,096 images a uniform sample; then
    /// only images whose digests belong to the sample are compared. Only exactly equal images count. Cost: a SHA-256 of
    /// each image.
    /// - Parameter images: Images of the model's ``inputShape``.
    /// - Returns: The number of images compared and the number of these that were learned; nil if the model does not say
    ///   what it has learned, as one of imported weights.
    /// - Throws: An ``OperationError`` if OpenSSL lacks SHA-256.
    public func learned(among images: ImageSet) throws -> (compared: Int, learned: Int)? {
        try saved.learned.map { learned in
            let overlap = try learned.overlap(with: images)
            return (overlap.compared, overlap.learned)
        }
    }

    /// - Returns: The number of images that `count` pixels make up.
    @discardableResult
    private func check(_ count: Int, images: Int?) throws(InputError) -> Int {
        let size = inputShape.count
        guard count % size == 0, images == nil || count / size == images else {
            let expected = images == nil ? "a multiple of \(size) (\(inputShape))" : "\(size) (\(inputShape))"
            throw InputError("pixels", expected: expected, received: "\(count)")
        }
        return count / size
    }
}
