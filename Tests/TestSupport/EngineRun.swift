import Kernels
import NeuralNetwork
import Tensors

/// A batch of images and labels.
public struct TestBatch: Sendable {
    public var images: [Float]
    public var labels: [Int32]

    public init(images: [Float], labels: [Int32]) {
        self.images = images
        self.labels = labels
    }

    public init(_ graph: ResolvedGraph, count: Int, seed: UInt64) {
        var data = TestData(seed)
        images = data.floats(count * graph.inputShape.count)
        labels = data.labels(count, classes: graph.classCount)
    }

    public var count: Int { labels.count }

    /// Image buffer with `spare` more images of NaN, which nobody may read.
    public func imageBuffer(spare: Int = 1) -> AlignedBuffer<Float> {
        AlignedBuffer(images + [Float](repeating: .nan, count: spare * images.count / count))
    }

    /// Label buffer with `spare` more labels that no network takes.
    public func labelBuffer(spare: Int = 1) -> AlignedBuffer<Int32> {
        AlignedBuffer(labels + [Int32](repeating: -1, count: spare))
    }
}

/// Parameters and state that are nowhere zero or one, so that each one counts.
public struct TestWeights: Sendable {
    public var parameters: [Float]
    public var state: [Float]

    public init(parameters: [Float], state: [Float]) {
        self.parameters = parameters
        self.state = state
    }

    public init(_ graph: ResolvedGraph, seed: UInt64) {
        var data = TestData(seed)
        parameters = []
        state = []
        for tensor in graph.parameters {
            switch tensor.role {
            case .weight:
                let fanIn = Float(tensor.count / (tensor.shape.last ?? 1))
                let limit = (4 / fanIn).squareRoot()
                parameters += data.floats(tensor.count, in: -limit...limit)
            case .bias, .shift: parameters += data.floats(tensor.count, in: -0.3...0.3)
            case .scale: parameters += data.floats(tensor.count, in: 0.5...1.5)
            }
        }
        for tensor in graph.state {
            state +=
                tensor.role == .shift
                ? data.floats(tensor.count, in: -0.3...0.3) : data.floats(tensor.count, in: 0.5...1.5)
        }
    }

    public func reference(_ graph: ResolvedGraph) -> ReferenceNetwork {
        ReferenceNetwork(graph, parameters: parameters.doubles, state: state.doubles)
    }
}

/// What a training step leaves behind, to be compared bit for bit.
public struct StepOutcome: Equatable, Sendable {
    public var lossSum: Double
    public var correct: Int
    public var gradients: [UInt32]
    public var state: [UInt32]

    public var gradientValues: [Double] { gradients.map { Double(Float(bitPattern: $0)) } }
    public var stateValues: [Double] { state.map { Double(Float(bitPattern: $0)) } }
}

/// A training network on a pool of its own.
public final class TrainingRun {
    public let network: TrainingNetwork
    private let pool: WorkerPool

    public init(
        _ graph: ResolvedGraph, _ weights: TestWeights, batchSize: Int, shards: Int, threads: Int, seed: UInt64 = 0
    ) throws {
        pool = WorkerPool(threads: threads)
        network = try TrainingNetwork(graph: graph, batchSize: batchSize, shards: shards, seed: seed, pool: pool)
        load(weights)
    }

    deinit { pool.shutdown() }

    public func load(_ weights: TestWeights) {
        network.store.parameters.copy(from: AlignedBuffer(weights.parameters))
        network.store.state.copy(from: AlignedBuffer(weights.state))
    }

    /// One step on `batch`; the gradient buffer holds NaN before, so that what is not written shows.
    public func step(_ batch: TestBatch, number: Int = 0, labelSmoothing: Double = 0) -> StepOutcome {
        let gradients = network.store.gradients
        for i in 0..<gradients.count { gradients[i] = .nan }
        let result = network.step(
            images: batch.imageBuffer(), labels: batch.labelBuffer(), count: batch.count, step: number,
            labelSmoothing: labelSmoothing)
        return StepOutcome(
            lossSum: result.lossSum, correct: result.correct, gradients: gradients.array.bits,
            state: network.store.state.array.bits)
    }

    /// Plain gradient descent: `w ← w − rate·g`.
    public func descend(_ rate: Float) {
        let parameters = network.store.parameters, gradients = network.store.gradients
        for i in 0..<parameters.count { parameters[i] -= rate * gradients[i] }
    }
}

/// An inference network on a pool of its own.
public final class InferenceRun {
    public let network: InferenceNetwork
    private let pool: WorkerPool

    public init(_ graph: ResolvedGraph, _ weights: TestWeights, batchSize: Int, threads: Int = 1) {
        pool = WorkerPool(threads: threads)
        network = InferenceNetwork(graph: graph, batchSize: batchSize, pool: pool)
        network.load(parameters: AlignedBuffer(weights.parameters), state: AlignedBuffer(weights.state))
    }

    deinit { pool.shutdown() }

    /// Probabilities of `batch`, and whether the floats behind them were left alone.
    public func predict(_ batch: TestBatch) -> (probabilities: [Float], isIntact: Bool) {
        let needed = batch.count * network.graph.classCount
        let output = AlignedBuffer([Float](repeating: -7, count: needed + 64))
        network.predict(images: batch.imageBuffer(), count: batch.count, probabilities: output)
        let all = output.array
        return (Array(all.prefix(needed)), all.dropFirst(needed).allSatisfy { $0 == -7 })
    }
}
