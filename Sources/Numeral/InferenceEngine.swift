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

/// What a model computes with: for single images a classifier for each caller, for many one that all threads work for.
final class InferenceEngine: Sendable {
    private let saved: SavedModel
    private let pool: WorkerPool
    /// Classifiers that nobody uses at the moment.
    private let idle = Mutex<[SingleImageClassifier]>([])
    /// Made when first needed; callers take turns.
    private let batches = Mutex<Classifier?>(nil)

    /// Made when first needed; callers take turns, with it and with ``batches``, as both use the pool.
    private let reader = Mutex<DigitReader?>(nil)

    /// Reads lines whole; nil: they are cut apart.
    private let lines: SavedModel?

    init(_ saved: SavedModel, lines: SavedModel?, threads: Int) {
        (self.saved, self.lines) = (saved, lines)
        pool = WorkerPool(threads: threads)
    }

    deinit { pool.shutdown() }

    /// Gives `body` a classifier that is nobody else's meanwhile.
    func withClassifier<Result>(_ body: (SingleImageClassifier) -> Result) -> Result {
        let classifier =
            idle.withLock { $0.popLast() }
            ?? SingleImageClassifier(
                graph: saved.graph, normalization: saved.normalization, parameters: saved.parameters, state: saved.state
            )
        defer { idle.withLock { $0.append(classifier) } }
        return body(classifier)
    }

    /// Class probabilities `[N, K]` of a set, of each image alone or averaged over views.
    /// - Throws: an ``InputError`` where images are too large for views.
    func probabilities(
        of images: ImageSet, averagedOver views: TestTimeAugmentation? = nil
    ) throws(InputError) -> [Float] {
        try batches.withLock { classifier throws(InputError) in
            if classifier == nil {
                let made = Classifier(
                    graph: saved.graph, batchSize: saved.experiment.evaluation.batchSize,
                    normalization: saved.normalization, pool: pool)
                made.load(parameters: saved.parameters, state: saved.state)
                classifier = made
            }
            return try classifier?.probabilities(of: images, averagedOver: views) ?? []
        }
    }
}

extension InferenceEngine {
    /// What a picture says.
    /// - Throws: an ``InputError`` where the network reads no pictures.
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

    /// 95 % intervals by resampling, on all threads; callers take turns.
    func intervals(of predictions: Predictions, seed: UInt64) -> BootstrapIntervals {
        batches.withLock { _ in BootstrapIntervals(predictions, seed: seed, pool: pool) }
    }
}

/// What holds for the whole process.
enum Machinery {
    /// The verdict on the linked BLAS, by its self-test: some milliseconds, once a process.
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

    /// - Throws: an ``OperationError`` where the BLAS multiplies wrongly on this machine.
    static func requireSoundBLAS() throws(OperationError) {
        if let verdict { throw verdict }
    }

    /// - Throws: an ``InputError`` where `threads` is not in 1…1024.
    static func threads(_ threads: Int?) throws(InputError) -> Int {
        guard let threads else { return Machine.usableCores }
        guard (1...1024).contains(threads) else {
            throw InputError("threads", expected: "an integer in 1…1024", received: "\(threads)")
        }
        return threads
    }
}
