import Datasets
import Evaluation
import Experiments
import LinearAlgebra
import NeuralNetwork
import Pictures
import Recognition
import Synchronization
import Tensors
import Training
import Workers

/// The inference engine of a model: a classifier per concurrent caller for single images, and a shared multithreaded
/// one for batches.
final class InferenceEngine: Sendable {
    private let saved: SavedModel
    private let pool: WorkerPool
    /// The classifiers that are not in use.
    private let idle = Mutex<[SingleImageClassifier]>([])
    /// The batch classifier, created lazily; calls are serialized.
    private let batches = Mutex<Classifier?>(nil)

    /// The picture reader, created lazily; calls are serialized with those to ``batches``, as both use the pool.
    private let reader = Mutex<DigitReader?>(nil)

    /// The line-reading network; nil to segment lines into characters.
    private let lines: SavedModel?

    init(_ saved: SavedModel, lines: SavedModel?, pool: WorkerPool) {
        (self.saved, self.lines, self.pool) = (saved, lines, pool)
    }

    deinit { pool.shutdown() }

    /// Calls `body` with a classifier that no other caller uses meanwhile.
    func withClassifier<Result>(_ body: (SingleImageClassifier) -> Result) -> Result {
        let classifier =
            idle.withLock { $0.popLast() }
            ?? SingleImageClassifier(
                graph: saved.graph, normalization: saved.normalization, parameters: saved.parameters, state: saved.state
            )
        defer { idle.withLock { $0.append(classifier) } }
        return body(classifier)
    }

    /// Returns the class probabilities `[N, K]` of a set, optionally averaged over augmented views.
    /// - Throws: An ``InputError`` if the images are too large for the views.
    func probabilities(
        of images: ImageSet, averagedOver views: TestTimeAugmentation? = nil
    ) throws(InputError) -> [Float] {
        try batches.withLock { classifier throws(InputError) in
            try made(&classifier).probabilities(of: images, averagedOver: views)
        }
    }

    /// Returns the probability of each label for itself, `[N, K]`.
    func labelProbabilities(of images: ImageSet) -> [Float] {
        batches.withLock { made(&$0).labelProbabilities(of: images) }
    }

    private func made(_ classifier: inout Classifier?) -> Classifier {
        if let classifier { return classifier }
        let made = Classifier(
            graph: saved.graph, batchSize: saved.experiment.evaluation.batchSize, normalization: saved.normalization,
            pool: pool)
        made.load(parameters: saved.parameters, state: saved.state)
        classifier = made
        return made
    }
}

extension InferenceEngine {
    /// Reads a picture.
    /// - Throws: An ``InputError`` if the network does not read pictures.
    func read(_ image: GreyImage, _ mode: DigitReader.Mode, place: String) throws(InputError) -> Reading {
        try batches.withLock { _ throws(InputError) in
            try reader.withLock { reader throws(InputError) in
                if let reader { return try reader.read(image, mode, place: place) }
                let made = try DigitReader(saved, lines: lines, pool: pool)
                reader = made
                return try made.read(image, mode, place: place)
            }
        }
    }

    /// Returns 95 % bootstrap intervals, computed on all threads; calls are serialized.
    func intervals(of predictions: Predictions, seed: UInt64) -> BootstrapIntervals {
        batches.withLock { _ in BootstrapIntervals(predictions, seed: seed, pool: pool) }
    }
}

/// Process-wide checks.
enum Machinery {
    /// The result of the linked BLAS's self-test, which takes some milliseconds and runs once per process.
    private static let verdict: OperationError? = {
        let pool = WorkerPool(threads: Machine.usableCores)
        defer { pool.shutdown() }
        do throws(OperationError) {
            try BLASSelfTest.require(pool: pool)
            return nil
        } catch {
            return error
        }
    }()

    /// - Throws: An ``OperationError`` if the BLAS computes wrong products on this machine.
    static func requireSoundBLAS() throws(OperationError) {
        if let verdict { throw verdict }
    }

    /// Returns a pool of so many threads, of the usable cores for nil.
    /// - Throws: An ``InputError`` if `threads` is not in 1…1024; an ``OperationError`` if the system refuses some.
    static func pool(threads: Int?) throws -> WorkerPool {
        let threads = threads ?? Machine.usableCores
        guard (1...1024).contains(threads) else {
            throw InputError("threads", expected: "an integer in 1…1024", received: "\(threads)")
        }
        return try WorkerPool.exactly(threads: threads)
    }
}
