import NeuralNetwork
import Tensors
import TestSupport
import Testing

/// The Float engine against the Double reference, whole networks at a time.
///
/// Bound, for each tensor: `max|Δ| ≤ 16·√K·2^-24·max|exact|`, K the longest sum of the network (batch-norm's and weight
/// gradients' sums over the batch's pixels among them). A gradient that is zero but for cancellation, as a bias's
/// before a batch-norm, is measured against a tenth of the network's largest.
@Suite("Engine agrees with the reference")
struct EngineAgreementTests {
    private func bound(_ graph: ResolvedGraph, count: Int) -> Double {
        let lengths = graph.nodes.flatMap { node in
            node.parameters.map { $0.count / ($0.shape.last ?? 1) } + [count * node.outputShape.rows]
        }
        return 16 * Double(lengths.max() ?? 1).squareRoot() * unitRoundoff
    }

    @Test("training: loss, gradients, running statistics", arguments: SampleGraph.all, [7, 1])
    func training(_ sample: SampleGraph, _ count: Int) throws {
        for lowering in [nil, .im2col, .shifted, .winograd2, .winograd4] as [Lowering.Kind?] {
            var graph = sample.graph
            guard lowering == nil || graph.hasConvolution else { continue }
            graph.lowering = lowering
            try training(ResolvedGraph(graph), count)
        }
    }

    private func training(_ graph: ResolvedGraph, _ count: Int) throws {
        // Batch-norm over a single row divides roundings by √ε: nothing to compare (PyTorch refuses it).
        let single = graph.nodes.contains {
            if $0.layer.kind is BatchNormalization { count * $0.outputShape.rows == 1 } else { false }
        }
        guard !single else { return }
        let weights = TestWeights(graph, seed: 11), batch = TestBatch(graph, count: count, seed: 12)
        let step = ReferenceNetwork.Step(seed: 0x1234_5678_9ABC, number: 6, labelSmoothing: 0.1)
        let expected = weights.reference(graph).train(images: batch.images.doubles, labels: batch.labels, step: step)
        let run = try TrainingRun(graph, weights, batchSize: 9, shards: 3, threads: 2, seed: step.seed)
        let found = run.step(batch, number: step.number, labelSmoothing: step.labelSmoothing)
        let limit = bound(graph, count: count)
        #expect(abs(found.lossSum - expected.lossSum) <= limit * abs(expected.lossSum))
        #expect(found.correct == expected.correct)
        #expect(relativeDistance(found.stateValues, expected.state) <= limit)
        let floor = 0.1 * (expected.gradients.map(abs).max() ?? 0)
        for tensor in graph.parameters {
            let distance = relativeDistance(
                Array(found.gradientValues[tensor.range]), Array(expected.gradients[tensor.range]), floor: floor)
            #expect(distance <= limit, "\(tensor.name)")
        }
    }

    /// The loss is linear in the target: of images with two classes it is the mean of those of one, by the shares.
    @Test("training on images of two classes")
    func mixed() throws {
        let graph = try ResolvedGraph(
            Graph(
                inputShape: Shape([8, 8, 2]),
                layers: [
                    .conv2d(filters: 6, kernelSize: Size2D(3)), .batchNormalization(), .relu, .flatten,
                    .dense(units: 5),
                ]))
        let weights = TestWeights(graph, seed: 15), count = 7
        let batch = TestBatch(graph, count: count, seed: 16)
        let others = TestBatch(images: batch.images, labels: batch.labels.map { ($0 + 2) % 5 })
        let step = ReferenceNetwork.Step(seed: 3, number: 2, labelSmoothing: 0.1)
        let outcomes = [batch, others].map {
            weights.reference(graph).train(images: $0.images.doubles, labels: $0.labels, step: step)
        }
        for share in [0.75, 0.25] as [Float] {
            let run = try TrainingRun(graph, weights, batchSize: 9, shards: 3, threads: 2, seed: step.seed)
            let shares = AlignedBuffer([Float](repeating: share, count: count))
            let found = run.network.step(
                images: batch.imageBuffer(), labels: batch.labelBuffer(), count: count, step: 2, labelSmoothing: 0.1,
                mixed: (others.labelBuffer(), shares))
            let (a, b) = (Double(share), 1 - Double(share)), limit = bound(graph, count: count)
            let loss = a * outcomes[0].lossSum + b * outcomes[1].lossSum
            #expect(abs(found.lossSum - loss) <= limit * loss)
            #expect(found.correct == outcomes[share < 0.5 ? 1 : 0].correct)
            let gradients = zip(outcomes[0].gradients, outcomes[1].gradients).map { a * $0 + b * $1 }
            #expect(relativeDistance(run.network.store.gradients.array, gradients) <= limit)
        }
    }

    @Test("inference: probabilities", arguments: SampleGraph.all)
    func inference(_ sample: SampleGraph) throws {
        let graph = try sample.resolved()
        let weights = TestWeights(graph, seed: 13), batch = TestBatch(graph, count: 11, seed: 14)
        let expected = weights.reference(graph).probabilities(images: batch.images.doubles, count: batch.count)
        let run = InferenceRun(graph, weights, batchSize: 12, threads: 2)
        let found = run.predict(batch)
        #expect(relativeDistance(found.probabilities, expected) <= bound(graph, count: 1))
        let score = run.network.score(labels: batch.labelBuffer(), count: batch.count)
        let classes = graph.classCount
        var loss = 0.0, correct = 0
        for (image, label) in batch.labels.enumerated() {
            let row = Array(expected[image * classes..<(image + 1) * classes])
            loss -= logarithm(row[Int(label)])
            if row.firstIndex(of: row.max() ?? 0) == Int(label) { correct += 1 }
        }
        #expect(abs(score.lossSum - loss) <= bound(graph, count: 1) * abs(loss))
        #expect(score.correct == correct)
    }

    @Test("the shapes of every layer", arguments: SampleGraph.all)
    func shapes(_ sample: SampleGraph) throws {
        let graph = try sample.resolved()
        let reference = TestWeights(graph, seed: 1).reference(graph)
        #expect(graph.nodes.map(\.outputShape.dimensions) == reference.shapes())
    }
}

extension Graph {
    fileprivate var hasConvolution: Bool {
        nodes.contains { $0.layer.kind is Conv2D }
    }
}
