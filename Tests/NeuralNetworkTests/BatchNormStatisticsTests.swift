import NeuralNetwork
import Tensors
import TestSupport
import Testing
import Workers

/// Batch-norm's statistics over many batches, against the batches' moments that the Double reference finds one by one.
@Suite("Batch-norm statistics computed anew")
struct BatchNormStatisticsTests {
    static let networks: [[Layer]] = [
        [
            .conv2d(filters: 5, kernelSize: Size2D(3), padding: .same), .batchNormalization(momentum: 0.25), .relu,
            .maxPooling2d(poolSize: Size2D(2)), .conv2d(filters: 20, kernelSize: Size2D(3), useBias: false), .gelu,
            .batchNormalization(momentum: 0.5), .flatten, .dense(units: 7), .batchNormalization(momentum: 1), .relu,
            .dense(units: 4),
        ],
        [
            .batchNormalization(momentum: 0.1), .conv2d(filters: 16, kernelSize: Size2D(3), padding: .same),
            .batchNormalization(), .conv2d(filters: 16, kernelSize: Size2D(3), padding: .same),
            .batchNormalization(), .relu, .globalAveragePooling2d, .dense(units: 4), .softmax,
        ],
    ]

    /// Mean and unbiased variance of all rows together, of every batch-norm, laid out like the running statistics.
    private func pooled(_ graph: ResolvedGraph, _ weights: TestWeights, _ batches: [TestBatch]) -> [Double] {
        let reference = weights.reference(graph)
        let states = batches.map { reference.train(images: $0.images.doubles, labels: $0.labels).state }
        var result = [Double](repeating: 0, count: graph.stateCount)
        for node in graph.nodes {
            guard let layer = node.layer.as(BatchNormalization.self) else { continue }
            let (mean, variance) = (node.state[0], node.state[1]), rate = Double(layer.momentum)
            for c in 0..<mean.count {
                // What the batch added to the running figures.
                func found(_ place: Int) -> [Double] {
                    states.map { ($0[place] - (1 - rate) * reference.state[place]) / rate }
                }
                let means = found(mean.offset + c), variances = found(variance.offset + c)
                let rows = batches.map { Double($0.count * node.outputShape.rows) }
                let total = rows.reduce(0, +)
                let average = zip(means, rows).reduce(0) { $0 + $1.0 * $1.1 } / total
                var squares = 0.0
                for b in batches.indices {
                    squares += (rows[b] - 1) * variances[b] + rows[b] * (means[b] - average) * (means[b] - average)
                }
                result[mean.offset + c] = average
                result[variance.offset + c] = squares / (total - 1)
            }
        }
        return result
    }

    @Test("are those of all rows together, in every lowering", arguments: networks)
    func pooledMoments(_ layers: [Layer]) throws {
        for lowering in [nil, .im2col, .winograd4] as [Lowering.Kind?] {
            var description = Graph(inputShape: Shape([9, 8, 2]), layers: layers)
            description.lowering = lowering
            let graph = try ResolvedGraph(description)
            let weights = TestWeights(graph, seed: 21)
            // Unequal batches, the last one short.
            let batches = [9, 9, 6].enumerated().map { TestBatch(graph, count: $1, seed: UInt64(30 + $0)) }
            let expected = pooled(graph, weights, batches)
            var bits: [[UInt32]] = []
            for threads in 1...3 {
                let pool = WorkerPool(threads: threads)
                defer { pool.shutdown() }
                let statistics = try #require(BatchNormStatistics(graph: graph, batchSize: 9, shards: 4, pool: pool))
                let state = graph.initialState()
                // Twice: what came before is forgotten.
                for _ in 0..<2 {
                    statistics.begin(parameters: AlignedBuffer(weights.parameters))
                    for batch in batches { statistics.add(images: batch.imageBuffer(), count: batch.count) }
                    statistics.finish(into: state)
                }
                bits.append(state.array.map(\.bitPattern))
                let limit = 16 * (24 * 72.0).squareRoot() * unitRoundoff
                #expect(relativeDistance(state.array, expected) <= limit)
            }
            #expect(bits[1] == bits[0] && bits[2] == bits[0])
        }
    }

    @Test("need a batch-norm, and leave dropout out")
    func edges() throws {
        let pool = WorkerPool(threads: 1)
        defer { pool.shutdown() }
        let plain = try ResolvedGraph(Graph(inputShape: Shape([4, 4, 1]), layers: [.flatten, .dense(units: 3)]))
        #expect(BatchNormStatistics(graph: plain, batchSize: 4, shards: 2, pool: pool) == nil)
        func state(dropout: Float) throws -> [Float] {
            let layers: [Layer] = [.flatten, .dropout(rate: dropout), .batchNormalization(), .dense(units: 3)]
            let graph = try ResolvedGraph(Graph(inputShape: Shape([4, 4, 1]), layers: layers))
            let statistics = try #require(BatchNormStatistics(graph: graph, batchSize: 8, shards: 2, pool: pool))
            let batch = TestBatch(graph, count: 8, seed: 3), state = graph.initialState()
            statistics.begin(parameters: try graph.initialParameters(seed: 1))
            statistics.add(images: batch.imageBuffer(), count: 8)
            statistics.finish(into: state)
            return state.array
        }
        #expect(try state(dropout: 0.5) == state(dropout: 0))
    }
}
