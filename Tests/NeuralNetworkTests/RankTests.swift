import NeuralNetwork
import Tensors
import TestSupport
import Testing
import Workers

/// Several ranks (threads of this process that stand for them) compute one step: the bits of one rank, on each.
@Suite("Ranks") struct RankTests {
    private static let shards = 5

    /// Dense layers over blocks of weights, which gather the batch: at the input, in the middle, at the end.
    private static let blocked: [SampleGraph] = [
        SampleGraph(
            "blocked dense of the input", [12],
            [.dense(units: 9, lowering: .weights(features: 5)), .relu, .dense(units: 3, lowering: .images)]),
        SampleGraph(
            "blocked dense after conv, batch-norm and pooling", [6, 6, 1],
            [
                .conv2d(filters: 3, kernelSize: Size2D(3), padding: .same, useBias: false), .batchNormalization(),
                .relu, .maxPooling2d(poolSize: Size2D(2)), .dropout(rate: 0.3), .flatten,
                .dense(units: 70, useBias: false, lowering: .weights(features: 10)), .batchNormalization(), .relu,
                .dropout(rate: 0.4), .dense(units: 4, lowering: .weights(features: 64)),
            ]),
    ]

    private static let graphs = SampleGraph.all + blocked + (0..<12).map { RandomGraph.sample($0) }

    /// Full batches, a short one, and batches of fewer images than shards or than ranks.
    @Test("a training step", arguments: graphs)
    func training(_ sample: SampleGraph) throws {
        let graph = try sample.resolved()
        let weights = TestWeights(graph, seed: 3)
        let batches = [9, 8, 3, 1].map { TestBatch(graph, count: $0, seed: UInt64($0)) }
        @Sendable func steps(_ communicator: any Communicator, threads: Int) throws -> [StepOutcome] {
            let run = try TrainingRun(
                graph, weights, batchSize: 9, shards: Self.shards, threads: threads, seed: 8, communicator: communicator
            )
            return batches.enumerated().map { number, batch in
                let outcome = run.step(batch, number: number, labelSmoothing: 0.1)
                run.descend(0.01)
                return outcome
            }
        }
        let expected = try steps(SingleRank(), threads: 1)
        for ranks in [2, 3, 4, 7] {
            let (found, _) = try ThreadRanks.run(ranks) { try steps($0, threads: 1 + $0.rank % 2) }
            #expect(found.count == ranks)
            for (rank, outcome) in found.enumerated() { #expect(outcome == expected, "rank \(rank) of \(ranks)") }
        }
    }

    @Test("inference", arguments: graphs)
    func inference(_ sample: SampleGraph) throws {
        let graph = try sample.resolved()
        let weights = TestWeights(graph, seed: 13)
        let batches = [40, 33, 7, 1].map { TestBatch(graph, count: $0, seed: UInt64($0)) }
        @Sendable func predict(_ communicator: any Communicator) -> [[UInt32]] {
            let run = InferenceRun(graph, weights, batchSize: 40, communicator: communicator)
            return batches.map { batch in
                let (probabilities, isIntact) = run.predict(batch)
                #expect(isIntact)
                return probabilities.bits
            }
        }
        let expected = predict(SingleRank())
        for ranks in [2, 3, 6] {
            let (found, _) = try ThreadRanks.run(ranks) { predict($0) }
            for outcome in found { #expect(outcome == expected, "\(ranks) ranks") }
        }
    }

    /// The sums go along a chain and come back: at most two gradients through each rank, whatever the number of shards.
    @Test func trafficOfTheGradient() throws {
        let graph = try ResolvedGraph(
            Graph(
                inputShape: Shape([20]),
                layers: [.dense(units: 50, useBias: false), .dense(units: 4, useBias: false)]))
        let weights = TestWeights(graph, seed: 1)
        let batch = TestBatch(graph, count: 32, seed: 2)
        for ranks in [2, 4] {
            let (_, bytes) = try ThreadRanks.run(ranks) { communicator in
                try TrainingRun(
                    graph, weights, batchSize: 32, shards: 16, threads: 1, communicator: communicator
                ).step(batch)
            }
            // Two tensors of 1,000 and 200 floats, padded to cache lines; and the loss, one a shard to every rank that lacks it.
            let gradient = 4 * (1_008 + 208)
            #expect(bytes == 2 * (ranks - 1) * gradient + (ranks - 1) * 16 * 64, "\(ranks) ranks")
        }
    }

    @Test func messages() throws {
        let (found, _) = try ThreadRanks.run(3) { ranks in
            let said = [UInt8](repeating: UInt8(ranks.rank), count: 2 * ranks.rank)
            return (ranks.gather(said), ranks.broadcast([7, UInt8(ranks.rank)]), ranks.union(1 << Int32(ranks.rank)))
        }
        for (gathered, broadcast, union) in found {
            #expect(gathered == [[], [1, 1], [2, 2, 2, 2]])
            #expect(broadcast == [7, 0])
            #expect(union == 7)
        }
        #expect(SingleRank().gather([5]) == [[5]] && SingleRank().broadcast([6]) == [6] && SingleRank().union(3) == 3)
    }

    /// Consecutive, in order, without gaps, even; and the last has something wherever there is anything.
    @Test func parts() {
        for ranks in 1...9 {
            for count in 0...20 {
                let parts = (0..<ranks).map { rankPart(of: count, rank: $0, ranks: ranks) }
                #expect(parts.flatMap(Array.init) == Array(0..<count))
                #expect((parts.map(\.count).max() ?? 0) - (parts.map(\.count).min() ?? 0) <= 1)
                #expect(count == 0 || !parts[ranks - 1].isEmpty)
            }
        }
    }
}
