import NeuralNetwork
import TestSupport
import Testing

/// What every layer owes, whatever it computes.
@Suite("Layer contract")
struct LayerContractTests {
    /// Counts of images: one, fewer than the shards, a full batch, a short one.
    private static let counts = [1, 3, 8, 5]
    private static let shards = 4

    @Test("same bits for 1, 2 and 3 threads in training", arguments: SampleGraph.all)
    func threads(_ sample: SampleGraph) throws {
        let graph = try sample.resolved()
        let weights = TestWeights(graph, seed: 21)
        let outcomes = try [1, 2, 3].map { threads in
            let run = try TrainingRun(graph, weights, batchSize: 8, shards: Self.shards, threads: threads, seed: 5)
            // State moves on from step to step; so do the batches' sizes.
            return Self.counts.enumerated().map { number, count in
                run.step(TestBatch(graph, count: count, seed: UInt64(count)), number: number)
            }
        }
        for step in Self.counts.indices {
            #expect(outcomes[0][step].gradients.allSatisfy { Float(bitPattern: $0).isFinite })
            #expect(outcomes[1][step] == outcomes[0][step])
            #expect(outcomes[2][step] == outcomes[0][step])
        }
    }

    @Test("gradients do not depend on what earlier steps left in memory", arguments: SampleGraph.all)
    func memory(_ sample: SampleGraph) throws {
        let graph = try sample.resolved()
        let weights = TestWeights(graph, seed: 22), other = TestWeights(graph, seed: 23)
        let used = try TrainingRun(graph, weights, batchSize: 8, shards: Self.shards, threads: 2, seed: 5)
        for count in Self.counts {
            let batch = TestBatch(graph, count: count, seed: 24)
            let fresh = try TrainingRun(graph, weights, batchSize: 8, shards: Self.shards, threads: 2, seed: 5)
            let expected = fresh.step(batch, number: 9)
            used.load(other)
            _ = used.step(TestBatch(graph, count: 8, seed: 25), number: 1)
            used.load(weights)
            #expect(used.step(batch, number: 9) == expected, "\(count) images after a full batch")
        }
    }

    @Test("NaN images of one step do not reach the next", arguments: SampleGraph.all)
    func poison(_ sample: SampleGraph) throws {
        let graph = try sample.resolved()
        let weights = TestWeights(graph, seed: 26), batch = TestBatch(graph, count: 3, seed: 27)
        let run = try TrainingRun(graph, weights, batchSize: 8, shards: Self.shards, threads: 2)
        let expected = run.step(batch)
        var poisoned = TestBatch(graph, count: 8, seed: 28)
        poisoned.images = poisoned.images.map { _ in .nan }
        _ = run.step(poisoned)
        run.load(weights)
        #expect(run.step(batch) == expected)
    }

    @Test("gradients are sums over images: parts of a batch add up to the whole", arguments: SampleGraph.all)
    func additivity(_ sample: SampleGraph) throws {
        let graph = try sample.resolved()
        // Batch-norm ties the images together, and dropout draws by place in the batch.
        let tied = graph.nodes.contains {
            $0.layer.kind is BatchNormalization || $0.layer.kind is Dropout
        }
        guard !tied else { return }
        let weights = TestWeights(graph, seed: 29), batch = TestBatch(graph, count: 8, seed: 30)
        let run = try TrainingRun(graph, weights, batchSize: 8, shards: Self.shards, threads: 2)
        let whole = run.step(batch)
        var sum = [Double](repeating: 0, count: graph.parameterCount)
        var loss = 0.0
        for image in 0..<batch.count {
            let size = graph.inputShape.count
            let one = run.step(
                TestBatch(
                    images: Array(batch.images[image * size..<(image + 1) * size]), labels: [batch.labels[image]]))
            loss += one.lossSum
            for (i, value) in one.gradientValues.enumerated() { sum[i] += value / Double(batch.count) }
        }
        #expect(abs(whole.lossSum - loss) <= 1e-6 * loss)
        #expect(relativeDistance(whole.gradientValues, sum) <= 64 * unitRoundoff)
    }

    @Test("inference leaves parameters and state alone and repeats itself", arguments: SampleGraph.all)
    func inferenceIsPure(_ sample: SampleGraph) throws {
        let graph = try sample.resolved()
        let weights = TestWeights(graph, seed: 31), batch = TestBatch(graph, count: 10, seed: 32)
        let run = InferenceRun(graph, weights, batchSize: 16, threads: 2)
        let first = run.predict(batch)
        _ = run.predict(TestBatch(graph, count: 16, seed: 33))
        let again = run.predict(batch)
        #expect(first.isIntact && again.isIntact)
        #expect(first.probabilities.bits == again.probabilities.bits)
        #expect(run.network.store.parameters.array.bits == weights.parameters.bits)
        #expect(run.network.store.state.array.bits == weights.state.bits)
        for threads in [1, 3] {
            let other = InferenceRun(graph, weights, batchSize: 16, threads: threads)
            #expect(other.predict(batch).probabilities.bits == first.probabilities.bits)
        }
    }

    @Test("N images at once are N images one at a time, to rounding", arguments: SampleGraph.all)
    func oneAtATime(_ sample: SampleGraph) throws {
        let graph = try sample.resolved()
        let weights = TestWeights(graph, seed: 34), batch = TestBatch(graph, count: 10, seed: 35)
        let together = InferenceRun(graph, weights, batchSize: 10).predict(batch).probabilities
        let single = InferenceRun(graph, weights, batchSize: 1)
        let size = graph.inputShape.count
        let apart = (0..<batch.count).flatMap { image in
            single.predict(
                TestBatch(
                    images: Array(batch.images[image * size..<(image + 1) * size]), labels: [batch.labels[image]])
            ).probabilities
        }
        #expect(relativeDistance(together, apart.doubles) <= 256 * unitRoundoff)
        let rows = stride(from: 0, to: together.count, by: graph.classCount)
        let sums = rows.map { together[$0..<$0 + graph.classCount].reduce(0, +) }
        #expect(sums.allSatisfy { abs($0 - 1) <= 1e-6 })
    }

    @Test("parameters of the store are the graph's, one after the other", arguments: SampleGraph.all)
    func layout(_ sample: SampleGraph) throws {
        let graph = try sample.resolved()
        var offset = 0
        for tensor in graph.parameters {
            #expect(tensor.offset == offset)
            offset = tensor.range.upperBound
        }
        #expect(offset == graph.parameterCount)
        #expect(Set(graph.parameters.map(\.name)).count == graph.parameters.count)
        #expect(graph.state.map(\.count).reduce(0, +) == graph.stateCount)
    }
}
