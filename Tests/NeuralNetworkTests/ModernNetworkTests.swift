import Foundation
import NeuralNetwork
import Tensors
import TestSupport
import Testing

/// PyTorch's numbers for depthwise convolutions, group and layer normalisation, swish, gates, upsampling, the losses, weights of
/// classes and a frozen batch-norm, made by Tests/Oracles/make_modern.py.
@Suite("PyTorch: a modern network")
struct ModernNetworkTests {
    private struct Fixture: Decodable {
        struct Case: Decodable {
            var loss: String
            var frozen: Bool
            var lossSum: Double
            var gradients, state: [Double]
        }
        var images, parameters, state, classWeights: [Float]
        var labels: [Int32]
        var probabilities: [Double]
        var cases: [Case]
    }

    private let expected: Fixture
    private let graph: ResolvedGraph

    init() throws {
        expected = try fixture("modern", in: .module, as: Fixture.self)
        let same = Padding.explicit(top: 1, bottom: 1, left: 1, right: 1)
        graph = try ResolvedGraph(
            Graph(
                inputShape: Shape([6, 5, 2]),
                nodes: [
                    LayerNode("stem", "input", layer: .conv2d(filters: 6, kernelSize: 3, padding: same)),
                    LayerNode("group", "stem", layer: .groupNormalization(groups: 3, epsilon: 1e-3)),
                    LayerNode("swish", "group", layer: .swish),
                    LayerNode(
                        "depthwise", "swish", layer: .depthwiseConv2d(kernelSize: 3, padding: same, useBias: false)),
                    LayerNode("batch", "depthwise", layer: .batchNormalization()),
                    LayerNode("hard", "batch", layer: .hardSwish),
                    LayerNode("mean", "hard", layer: .globalAveragePooling2d),
                    LayerNode("reduce", "mean", layer: .dense(units: 3)),
                    LayerNode("swish2", "reduce", layer: .swish),
                    LayerNode("excite", "swish2", layer: .dense(units: 6)),
                    LayerNode("share", "excite", layer: .sigmoid),
                    LayerNode("scaled", "hard", "share", layer: .multiply),
                    LayerNode("up", "scaled", layer: .upSampling2d()),
                    LayerNode("narrow", "up", layer: .conv2d(filters: 4, kernelSize: 1)),
                    LayerNode("layer", "narrow", layer: .layerNormalization()),
                    LayerNode("largest", "layer", layer: .globalMaxPooling2d),
                    LayerNode("out", "largest", layer: .dense(units: 4)),
                ]))
    }

    private var weights: TestWeights { TestWeights(parameters: expected.parameters, state: expected.state) }
    private var batch: TestBatch { TestBatch(images: expected.images, labels: expected.labels) }

    /// Bounds: 10^-5 of the loss, of each tensor's largest gradient (or a tenth of the network's), of the statistics.
    @Test("a step with each loss, and with a frozen batch-norm")
    func steps() throws {
        let frozenNode = try #require(graph.nodes.firstIndex { $0.name == "batch" })
        for sample in expected.cases {
            let graph = sample.frozen ? graph.freezing([frozenNode]) : graph
            let run = try TrainingRun(graph, weights, batchSize: 8, shards: 3, threads: 2)
            let loss: Loss =
                switch sample.loss {
                case "focal": .focal(gamma: 2)
                case "meanSquaredError": .meanSquaredError
                default: .crossEntropy
                }
            run.network.loss = (loss, sample.loss == "weighted" ? expected.classWeights : nil)
            let found = run.step(batch, labelSmoothing: sample.loss == "smoothed" ? 0.1 : 0)
            #expect(abs(found.lossSum - sample.lossSum) <= 1e-5 * sample.lossSum, "\(sample.loss)")
            #expect(relativeDistance(found.stateValues, sample.state) <= 1e-5, "\(sample.loss)")
            let floor = 0.1 * (sample.gradients.map(abs).max() ?? 0)
            for (index, node) in graph.nodes.enumerated() where !(sample.frozen && index == frozenNode) {
                for tensor in node.parameters {
                    let distance = relativeDistance(
                        Array(found.gradientValues[tensor.range]), Array(sample.gradients[tensor.range]), floor: floor)
                    #expect(distance <= 1e-5, "\(sample.loss): \(tensor.name)")
                }
            }
        }
    }

    @Test("probabilities, and those of the Double reference to their 12 digits")
    func inference() {
        let found = InferenceRun(graph, weights, batchSize: 7).predict(batch).probabilities
        #expect(relativeDistance(found, expected.probabilities) <= 1e-5)
        let reference = weights.reference(graph).probabilities(images: expected.images.doubles, count: 7)
        #expect(relativeDistance(reference, expected.probabilities) <= 1e-9)
    }
}
