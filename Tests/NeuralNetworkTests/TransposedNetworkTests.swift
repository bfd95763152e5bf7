import Foundation
import NeuralNetwork
import Tensors
import TestSupport
import Testing

/// PyTorch's numbers for transposed and grouped convolutions and PReLU, made by Tests/Oracles/make_transposed.py.
@Suite("PyTorch: transposed and grouped convolutions")
struct TransposedNetworkTests {
    private struct Fixture: Decodable {
        var images, parameters: [Float]
        var labels: [Int32]
        var gradients, probabilities: [Double]
        var lossSum: Double
    }

    private let expected: Fixture
    private let graph: ResolvedGraph

    init() throws {
        expected = try fixture("transposed", in: .module, as: Fixture.self)
        graph = try ResolvedGraph(
            Graph(
                inputShape: Shape([5, 4, 2]),
                layers: [
                    .conv2dTranspose(filters: 4, kernelSize: 3, strides: 2, padding: .same), .prelu,
                    .groupedConv2d(filters: 6, kernelSize: 3, groups: 2, padding: .same),
                    .conv2dTranspose(filters: 2, kernelSize: 2, dilation: 2, useBias: false), .prelu, .flatten,
                    .dense(units: 3),
                ]))
    }

    private var weights: TestWeights { TestWeights(parameters: expected.parameters, state: []) }
    private var batch: TestBatch { TestBatch(images: expected.images, labels: expected.labels) }

    /// Bounds: 10^-5 of the loss, of each tensor's largest gradient (or a tenth of the network's).
    @Test func aStep() throws {
        let run = try TrainingRun(graph, weights, batchSize: 8, shards: 3, threads: 2)
        let found = run.step(batch)
        #expect(abs(found.lossSum - expected.lossSum) <= 1e-5 * expected.lossSum)
        let floor = 0.1 * (expected.gradients.map(abs).max() ?? 0)
        for tensor in graph.parameters {
            let distance = relativeDistance(
                Array(found.gradientValues[tensor.range]), Array(expected.gradients[tensor.range]), floor: floor)
            #expect(distance <= 1e-5, "\(tensor.name)")
        }
    }

    @Test func inference() {
        let found = InferenceRun(graph, weights, batchSize: 7).predict(batch).probabilities
        #expect(relativeDistance(found, expected.probabilities) <= 1e-5)
        let reference = weights.reference(graph).probabilities(images: expected.images.doubles, count: 7)
        #expect(relativeDistance(reference, expected.probabilities) <= 1e-9)
    }

    @Test func slopesBeginAsPublished() throws {
        let parameters = try graph.initialParameters(seed: 1)
        for tensor in graph.parameters where tensor.role == .slope {
            #expect(tensor.range.allSatisfy { parameters[$0] == 0.25 })
        }
        #expect(graph.parameters.count { $0.role == .slope } == 2)
    }

    @Test func whatCannotBe() {
        func message(_ layer: Layer) -> String {
            do {
                _ = try ResolvedGraph(
                    Graph(inputShape: Shape([5, 4, 6]), layers: [layer, .flatten, .dense(units: 3)]))
                return ""
            } catch { return "\(error)" }
        }
        #expect(
            message(.groupedConv2d(filters: 8, kernelSize: 1, groups: 3))
                == "model.layers[0] (groupedConv2d_1): expected groups that divide the 6 channels and the 8 filters "
                + "· received 3 groups")
        #expect(message(.groupedConv2d(filters: 6, kernelSize: 6, groups: 2)).contains("expected a window that fits"))
        #expect(
            message(
                .conv2dTranspose(
                    filters: 2, kernelSize: 1, padding: .explicit(top: 5, bottom: 0, left: 0, right: 0))
            ).contains("expected positive extents"))
    }
}
