import Foundation
import Tensors
import TestSupport
import Testing
import Workers

@testable import NeuralNetwork

/// Images that are computed together and yet have the bits they have alone.
@Suite("Images kept apart") struct KeptApartTests {
    private static let count = 7
    private static let samples = SampleGraph.all + RandomGraphTests.graphs

    private struct Results: Equatable {
        var probabilities: [[UInt32]] = []
        var features: [[UInt32]] = []
    }

    /// The probabilities and features of each image of `batch`, in calls of at most `together`.
    private static func results(_ network: InferenceNetwork, _ batch: TestBatch, together: Int) -> Results {
        var results = Results()
        let classes = network.graph.classCount
        for start in stride(from: 0, to: batch.count, by: together) {
            let part = batch.part(start..<min(start + together, batch.count)), count = part.count
            let output = AlignedBuffer<Float>(count: count * classes), images = part.imageBuffer()
            network.predict(images: images, count: count, probabilities: output)
            // A layer that reads the images themselves has them as features.
            defer { withExtendedLifetime(images) {} }
            let bits = output.array.bits
            results.probabilities += (0..<count).map { Array(bits[$0 * classes..<($0 + 1) * classes]) }
            guard let features = network.features(count: count)?.bits else { continue }
            let size = features.count / count
            results.features += (0..<count).map { Array(features[$0 * size..<($0 + 1) * size]) }
        }
        return results
    }

    private static func check(_ graph: ResolvedGraph, _ weights: TestWeights, _ name: String) {
        let batch = TestBatch(graph, count: count, seed: 22)
        let pools = [1, 2].map { WorkerPool(threads: $0) }
        defer { for pool in pools { pool.shutdown() } }
        func network(_ size: Int, _ pool: WorkerPool, apart: Bool) -> InferenceNetwork {
            let network = InferenceNetwork(
                graph: graph, batchSize: size, pool: pool, keepsFeatures: true, keepsApart: apart)
            network.load(parameters: AlignedBuffer(weights.parameters), state: AlignedBuffer(weights.state))
            return network
        }
        let alone = results(network(1, pools[0], apart: false), batch, together: 1)
        for pool in pools {
            let apart = network(count, pool, apart: true)
            for together in [count, 3, 1] {
                #expect(results(apart, batch, together: together) == alone, "\(name), \(together) together")
            }
            let sharing = InferenceNetwork(sharing: apart, pool: pool)
            #expect(results(sharing, batch, together: count) == alone, "\(name), shared weights")
            #expect(results(apart, batch, together: count) == alone, "\(name), after another")
        }
    }

    @Test("have their bits of one by one, with weights of their own and shared ones", arguments: samples)
    func floats(_ sample: SampleGraph) throws {
        let graph = try sample.resolved()
        guard !graph.readsLines else { return }
        Self.check(graph, TestWeights(graph, seed: 21), "\(sample)")
    }

    @Test("as bytes too", arguments: SampleGraph.all + RandomGraphTests.graphs.prefix(24)) func bytes(
        _ sample: SampleGraph
    ) throws {
        let plain = try sample.resolved(), weights = TestWeights(plain, seed: 21)
        guard !plain.readsLines else { return }
        let graph = QuantizedNetworkTests.quantized(plain, weights, TestBatch(plain, count: 9, seed: 23))
        guard !graph.quantization.isEmpty else { return }
        Self.check(graph, weights, "\(sample)")
    }

    @Test("on several threads at once, with the same weights in memory") func threads() throws {
        let graph = try SampleGraph.all[0].resolved()
        let weights = TestWeights(graph, seed: 25), batch = TestBatch(graph, count: Self.count, seed: 26)
        let first = InferenceNetwork(
            graph: graph, batchSize: Self.count, pool: WorkerPool(threads: 1), keepsFeatures: true, keepsApart: true)
        first.load(parameters: AlignedBuffer(weights.parameters), state: AlignedBuffer(weights.state))
        let expected = Self.results(first, batch, together: 1)
        nonisolated(unsafe) let networks = (0..<4).map { _ in
            InferenceNetwork(sharing: first, pool: WorkerPool(threads: 1))
        }
        let lock = NSLock()
        nonisolated(unsafe) var same = 0
        DispatchQueue.concurrentPerform(iterations: networks.count) { index in
            let isSame = (0..<30).allSatisfy {
                Self.results(networks[index], batch, together: 1 + $0 % Self.count) == expected
            }
            if isSame { lock.withLock { same += 1 } }
        }
        #expect(same == networks.count)
    }
}
