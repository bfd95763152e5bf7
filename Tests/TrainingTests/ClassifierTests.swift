import Datasets
import NeuralNetwork
import Tensors
import Testing
import Workers

@testable import Training

@Suite struct ClassifierTests {
    /// Memory is taken for the images there are, and they are computed as in a larger batch.
    @Test func noMemoryIsTakenForImagesThatNeverCome() throws {
        let graph = try ResolvedGraph(
            Graph(
                inputShape: [16, 16, 1],
                layers: [.conv2d(filters: 16, kernelSize: 3), .relu, .flatten, .dense(units: 4)]))
        var random = RandomStream(RandomAddress(seed: 1, purpose: .test))
        let images = try ImageSet(
            images: (0..<3 * 256).map { _ in UInt8.random(in: 0...255, using: &random) }, labels: [0, 1, 2], height: 16,
            width: 16, classCount: 4, classNames: ["a", "b", "c", "d"])
        let pool = WorkerPool(threads: 2)
        defer { pool.shutdown() }
        let parameters = try graph.initialParameters(seed: 1), state = graph.initialState()
        func classified(_ batchSize: Int, for count: Int?) -> (probabilities: [Float], pixels: Int) {
            let classifier = Classifier(
                graph: graph, batchSize: batchSize, for: count, normalization: nil, pool: pool)
            classifier.load(parameters: parameters, state: state)
            return (classifier.probabilities(of: images), classifier.batch.images.count)
        }
        let usual = classified(500, for: nil), small = classified(500, for: 3)
        #expect(small.probabilities == usual.probabilities && small.probabilities.count == 12)
        #expect(small.pixels == 3 * 256 && usual.pixels == 500 * 256)
        // More images than were announced take more batches.
        #expect(classified(500, for: 2).probabilities.count == 12 && classified(500, for: 0).probabilities.count == 12)
    }
}
