import Formats
import Foundation
import Training

/// A trained network that classifies images: a graph, its weights, its classes.
///
/// ```swift
/// let model = try Model.load("runs/default-20261123-201626")
/// let answer = try model.classify(pixels)  // 28·28 bytes
/// print(answer.className, answer.confidence)
/// ```
///
/// A value that any number of tasks and threads may use at once. Each call of ``classify(_:)-([UInt8])`` that runs at the
/// same time as others computes in memory of its own (``workingBytes``), which is kept for the next one; so the first
/// call, and the first that meets others, takes longer. Results do not depend on who else is calling: the same image
/// gives the same bits.
public struct Model: Sendable {
    package let saved: SavedModel
    let engine: InferenceEngine

    /// - Parameter lines: reads lines of the same classes whole, in pictures.
    /// - Throws: an ``InputError`` where `threads` is not in 1…1024 or the network reads lines of text, an ``OperationError``
    ///   where the BLAS is not sound.
    package init(_ saved: SavedModel, lines: SavedModel? = nil, threads: Int?) throws {
        guard !saved.graph.readsLines else {
            throw InputError(
                "model", expected: "a network of single images", received: "one that reads lines of text",
                remedy: "trainer predict --segment --model reads pictures with it")
        }
        try Machinery.requireSoundBLAS()
        self.saved = saved
        engine = InferenceEngine(saved, lines: lines, threads: try Machinery.threads(threads))
    }

    // MARK: - Files

    /// Reads a model from a file that ``save(to:)``, ``encoded()`` or the command `trainer` wrote, or from the run folder
    /// that holds `model.safetensors`.
    ///
    /// - Parameters:
    ///   - path: a file or a run folder.
    ///   - threads: that compute where there are many images, in 1…1024; nil: the cores this process may use.
    /// - Throws: an ``InputError`` where the file is absent, damaged, of another format, or its tensors do not fit its
    ///   configuration; an ``OperationError`` where the linked BLAS multiplies wrongly on this machine.
    public static func load(_ path: String, threads: Int? = nil) throws -> Model {
        let saved = try SavedModel.load(path: path)
        return try Model(saved, lines: path == BoxModel.word ? BoxModel.loadLines() : nil, threads: threads)
    }

    /// Reads a model from the bytes of a file.
    ///
    /// - Parameters:
    ///   - data: what ``encoded()`` gives.
    ///   - name: what errors call it.
    ///   - threads: that compute where there are many images, in 1…1024; nil: the cores this process may use.
    /// - Throws: as ``load(_:threads:)``.
    public init(decoding data: Data, name: String = "model", threads: Int? = nil) throws {
        try self.init(SavedModel.decode(data, name: name), threads: threads)
    }

    /// The bytes of a safetensors file: weights, running statistics, and as metadata the configuration, the class names and
    /// the normalisation. The same bytes for the same training.
    public func encoded() -> Data { saved.encoded() }

    /// Writes the model to a file, whole or not at all.
    /// - Throws: an ``OperationError`` with the system's reason.
    public func save(to path: String) throws(OperationError) {
        try AtomicFile.write(encoded(), to: URL(fileURLWithPath: path))
    }

    // MARK: - What it is

    /// What it was trained by: graph, training, augmentation.
    public var experiment: Experiment { saved.experiment }
    /// `[H, W, C]` of an image: height, width, channels.
    public var inputShape: Shape { saved.graph.inputShape }
    /// Names of the K classes.
    public var classNames: [String] { saved.classNames }
    /// Weights that were learnt.
    public var parameterCount: Int { saved.graph.parameterCount }
    /// Multiplications with addition that one image takes.
    public var multiplyAdds: Int { saved.graph.multiplyAdds }
    /// Bytes that each ``classify(_:)-([UInt8])`` running at the same time as others keeps for itself.
    public var workingBytes: Int { engine.withClassifier { $0.memoryBytes } }

    // MARK: - Classification

    /// Classifies one image of bytes, on the calling thread.
    ///
    /// Costs ``multiplyAdds`` and, of memory, the answer alone: 82,000 parameters and 4 million multiply-adds take some
    /// 0.1 ms on one core.
    /// - Parameter pixels: `[H, W, C]` in row-major order, 0 for the background; as images were at training.
    /// - Throws: an ``InputError`` where there are not H·W·C of them.
    public func classify(_ pixels: [UInt8]) throws(InputError) -> Classification {
        try check(pixels.count, images: 1)
        return Classification(engine.withClassifier { $0.probabilities(of: pixels) }, classNames: classNames)
    }

    /// Classifies one image of numbers in [0, 1], on the calling thread; a byte b is b / 255.
    /// - Parameter pixels: `[H, W, C]` in row-major order, 0 for the background.
    /// - Throws: an ``InputError`` where there are not H·W·C of them, or one is NaN or not in [0, 1].
    public func classify(_ pixels: [Float]) throws(InputError) -> Classification {
        try check(pixels.count, images: 1)
        try ImageSet.check(pixels)
        return Classification(engine.withClassifier { $0.probabilities(of: pixels) }, classNames: classNames)
    }

    /// Classifies many images of bytes, on all of the model's threads; calls take turns.
    /// - Parameter pixels: `[N, H, W, C]` in row-major order, N ≥ 0.
    /// - Throws: an ``InputError`` where they are no whole number of images.
    public func classify(images pixels: [UInt8]) throws(InputError) -> [Classification] {
        let count = try check(pixels.count, images: nil)
        return try classify(
            try ImageSet(
                pixels: pixels, labels: [Int](repeating: 0, count: count), height: inputShape.height,
                width: inputShape.width, channels: inputShape.channels, classNames: classNames))
    }

    /// Classifies many images of numbers in [0, 1], on all of the model's threads; calls take turns.
    /// - Parameter pixels: `[N, H, W, C]` in row-major order, N ≥ 0.
    /// - Throws: an ``InputError`` where they are no whole number of images, or one is NaN or not in [0, 1].
    public func classify(images pixels: [Float]) throws(InputError) -> [Classification] {
        let count = try check(pixels.count, images: nil)
        return try classify(
            try ImageSet(
                pixels: pixels, labels: [Int](repeating: 0, count: count), height: inputShape.height,
                width: inputShape.width, channels: inputShape.channels, classNames: classNames))
    }

    private func classify(_ images: ImageSet) throws(InputError) -> [Classification] {
        let probabilities = try engine.probabilities(of: images)
        let k = classNames.count
        return (0..<images.count).map {
            Classification(Array(probabilities[($0 * k)..<(($0 + 1) * k)]), classNames: classNames)
        }
    }

    /// Every figure and curve of this model on labelled images, on all of its threads; where its configuration averages
    /// over views of each test image (`evaluation.testTimeAugmentation`), of these.
    ///
    /// - Parameters:
    ///   - images: at least one, of the model's ``inputShape`` and as many classes.
    ///   - bootstrap: whether to take 95 % intervals of the figures that are no proportions, from 2,000 resamples (a second
    ///     for 10,000 images).
    /// - Throws: an ``InputError`` where there are no images, or they are of another size or another number of classes.
    public func evaluate(on images: ImageSet, bootstrap: Bool = false) throws(InputError) -> EvaluationSummary {
        guard images.count > 0 else { throw InputError("images", expected: "at least one image", received: "none") }
        try Classifier.check(saved.graph, fits: images, named: "images")
        let predictions = try Predictions(
            labels: images.labels.map(Int.init),
            probabilities: try engine.probabilities(
                of: images, averagedOver: saved.experiment.evaluation.testTimeAugmentation), classNames: classNames)
        let intervals =
            bootstrap ? engine.intervals(of: predictions, seed: saved.experiment.seed) : nil
        return EvaluationSummary(predictions, bootstrap: intervals)
    }

    /// - Returns: how many images `count` pixels are.
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
