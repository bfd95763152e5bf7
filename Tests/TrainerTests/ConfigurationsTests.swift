import Foundation
import Numeral
import Tensors
import Testing
import Workers

/// Every file in `config/` is decoded and compiled.
@Suite struct ConfigurationsTests {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("config")

    static func load(_ name: String) throws -> (Experiment, ResolvedGraph) {
        let experiment = try ExperimentFile.load(path: folder.appendingPathComponent(name).path).completed()
        return (experiment, try ResolvedGraph(experiment.model))
    }

    @Test func everyFileCompilesToANetworkThatRuns() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
            .filter { $0.hasSuffix(".json") && $0 != "schema.json" }.sorted()
        #expect(names.count >= 4)
        let pool = WorkerPool(threads: 2)
        defer { pool.shutdown() }
        for name in names {
            let (experiment, graph) = try Self.load(name)
            let network = try TrainingNetwork(
                graph: graph, batchSize: 4, shards: experiment.training.shards, seed: experiment.seed, pool: pool)
            let images = AlignedBuffer<Float>(count: 4 * graph.inputShape.count)
            for i in 0..<images.count { images[i] = Float(i % 17) / 16 }
            let labels = AlignedBuffer<Int32>([0, 1, 2, 3])
            // Of lines one character each.
            let lengths = graph.readsLines ? AlignedBuffer<Int32>([1, 1, 1, 1]) : nil
            network.loss = (experiment.training.loss, nil)
            let result = network.step(images: images, labels: labels, count: 4, step: 0, lengths: lengths)
            #expect(result.lossSum.isFinite && result.lossSum > 0, "\(name)")
            #expect(network.store.gradients.array.contains { $0 != 0 }, "\(name)")
        }
    }

    /// The sizes that the design states: 82 k parameters and 6.3 M multiply-adds; 19.0 M multiply-adds.
    @Test func sizesAreTheDesigns() throws {
        let (_, small) = try Self.load("default.json")
        // 5·5·24 + 2·24 + 3·3·24·48 + 2·48 + 3·3·48·48 + 2·48 + 3·3·48·96 + 2·96 + 3·3·96·10 + 10
        #expect(small.parameterCount == 600 + 48 + 10_368 + 96 + 20_736 + 96 + 41_472 + 192 + 8_650)
        #expect(small.multiplyAdds == 576 * 600 + 144 * (10_368 + 20_736) + 36 * 41_472 + 8_640)
        let (experiment, reference) = try Self.load("reference.json")
        #expect(reference.parameterCount == 871_082)
        #expect(
            reference.multiplyAdds
                == 784 * (9 * 32 + 9 * 32 * 32) + 196 * (9 * 32 * 64 + 9 * 64 * 64) + 3136 * 256 + 2560)
        #expect(experiment.training.batchSize == 128)
        #expect(experiment.training.optimizer == .adam())
    }
}
