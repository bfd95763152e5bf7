import NeuralNetwork
import Tensors
import Workers

/// A batch of images and labels.
package struct TestBatch: Sendable {
    package var images: [Float]
    package var labels: [Int32]

    package init(images: [Float], labels: [Int32]) {
        self.images = images
        self.labels = labels
    }

    package init(_ graph: ResolvedGraph, count: Int, seed: UInt64) {
        var data = TestData(seed)
        images = data.floats(count * graph.inputShape.count)
        labels = data.labels(count, classes: graph.classCount)
    }

    package var count: Int { labels.count }

    /// Some of it.
    package func part(_ range: Range<Int>) -> TestBatch {
        var part = self
        let size = count == 0 ? 0 : images.count / count
        part.images = Array(images[range.lowerBound * size..<range.upperBound * size])
        part.labels = Array(labels[range])
        return part
    }

    /// Image buffer with `spare` more images of NaN, which nobody may read.
    package func imageBuffer(spare: Int = 1) -> AlignedBuffer<Float> {
        AlignedBuffer(images + [Float](repeating: .nan, count: count == 0 ? 0 : spare * images.count / count))
    }

    /// Label buffer with `spare` more labels that no network takes.
    package func labelBuffer(spare: Int = 1) -> AlignedBuffer<Int32> {
        AlignedBuffer(labels + [Int32](repeating: -1, count: spare))
    }
}

/// Parameters and state that are nowhere zero or one, so that each one counts.
package struct TestWeights: Sendable {
    package var parameters: [Float]
    package var state: [Float]

    package init(parameters: [Float], state: [Float]) {
        self.parameters = parameters
        self.state = state
    }

    package init(_ graph: ResolvedGraph, seed: UInt64) {
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
            case .slope: parameters += data.floats(tensor.count, in: 0...0.5)
            }
        }
        for tensor in graph.state {
            state +=
                tensor.role == .shift
                ? data.floats(tensor.count, in: -0.3...0.3) : data.floats(tensor.count, in: 0.5...1.5)
        }
    }

    package func reference(_ graph: ResolvedGraph) -> ReferenceNetwork {
        ReferenceNetwork(graph, parameters: parameters.doubles, state: state.doubles)
    }
}

/// What a training step leaves behind, to be compared bit for bit.
package struct StepOutcome: Equatable, Sendable {
    package var lossSum: Double
    package var correct: Int
    package var gradients: [UInt32]
    package var state: [UInt32]

    package var gradientValues: [Double] { gradients.map { Double(Float(bitPattern: $0)) } }
    package var stateValues: [Double] { state.map { Double(Float(bitPattern: $0)) } }
}

/// A training network on a pool of its own.
package final class TrainingRun {
    package let network: TrainingNetwork
    private let pool: WorkerPool

    package init(
        _ graph: ResolvedGraph, _ weights: TestWeights, batchSize: Int, shards: Int, threads: Int, seed: UInt64 = 0,
        communicator: any Communicator = SingleRank()
    ) throws {
        pool = WorkerPool(threads: threads)
        network = try TrainingNetwork(
            graph: graph, batchSize: batchSize, shards: shards, seed: seed, pool: pool, communicator: communicator)
        load(weights)
    }

    deinit { pool.shutdown() }

    package func load(_ weights: TestWeights) {
        network.store.parameters.copy(from: AlignedBuffer(weights.parameters))
        network.store.state.copy(from: AlignedBuffer(weights.state))
    }

    /// One step on `batch`, of which it sees its own part only; the gradient buffer holds NaN before, so that what is not
    /// written shows.
    package func step(_ batch: TestBatch, number: Int = 0, labelSmoothing: Double = 0) -> StepOutcome {
        let gradients = network.store.gradients
        for i in 0..<gradients.count { gradients[i] = .nan }
        let own = batch.part(network.batchPart(batch.count))
        let result = network.step(
            images: own.imageBuffer(), labels: own.labelBuffer(), count: batch.count, step: number,
            labelSmoothing: labelSmoothing)
        return StepOutcome(
            lossSum: result.lossSum, correct: result.correct, gradients: gradients.array.bits,
            state: network.store.state.array.bits)
    }

    /// Plain gradient descent: `w ← w − rate·g`.
    package func descend(_ rate: Float) {
        let parameters = network.store.parameters, gradients = network.store.gradients
        for i in 0..<parameters.count { parameters[i] -= rate * gradients[i] }
    }
}

/// An inference network on a pool of its own.
package final class InferenceRun {
    package let network: InferenceNetwork
    private let pool: WorkerPool

    package init(
        _ graph: ResolvedGraph, _ weights: TestWeights, batchSize: Int, threads: Int = 1,
        communicator: any Communicator = SingleRank()
    ) {
        pool = WorkerPool(threads: threads)
        network = InferenceNetwork(graph: graph, batchSize: batchSize, pool: pool, communicator: communicator)
        network.load(parameters: AlignedBuffer(weights.parameters), state: AlignedBuffer(weights.state))
    }

    deinit { pool.shutdown() }

    /// Probabilities of `batch`, and whether the floats behind them were left alone.
    package func predict(_ batch: TestBatch) -> (probabilities: [Float], isIntact: Bool) {
        let needed = batch.count * network.graph.classCount
        let output = AlignedBuffer([Float](repeating: -7, count: needed + 64))
        let own = batch.part(network.images(ofBatch: batch.count))
        network.predict(images: own.imageBuffer(), count: batch.count, probabilities: output)
        let all = output.array
        return (Array(all.prefix(needed)), all.dropFirst(needed).allSatisfy { $0 == -7 })
    }
}
