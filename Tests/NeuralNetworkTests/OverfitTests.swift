import NeuralNetwork
import Tensors
import TestSupport
import Testing

@Suite("Overfit")
struct OverfitTests {
    /// Learning noise by heart needs every gradient right: 60 steps of plain gradient descent at rate 0.1.
    @Test("32 random images with random labels are learnt to 100 %")
    func memorize() throws {
        let graph = try ResolvedGraph(
            Graph(
                inputShape: Shape([12, 12, 1]),
                layers: [
                    .conv2d(filters: 16, kernelSize: Size2D(3), padding: .same, useBias: false), .batchNormalization(),
                    .relu, .maxPooling2d(poolSize: Size2D(2)), .conv2d(filters: 24, kernelSize: Size2D(3)),
                    .batchNormalization(), .relu, .flatten, .dense(units: 10),
                ]))
        let weights = TestWeights(
            parameters: try graph.initialParameters(seed: 1).array, state: graph.initialState().array)
        let run = try TrainingRun(graph, weights, batchSize: 32, shards: 4, threads: 2)
        let batch = TestBatch(graph, count: 32, seed: 41)
        let first = run.step(batch)
        #expect(first.correct < 16)
        for number in 1...60 {
            run.descend(0.1)
            _ = run.step(batch, number: number)
        }
        run.descend(0)
        let last = run.step(batch)
        #expect(last.correct == 32)
        #expect(last.lossSum < 0.05 * first.lossSum)
    }
}
