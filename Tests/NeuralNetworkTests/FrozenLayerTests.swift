import NeuralNetwork
import Tensors
import TestSupport
import Testing
import Workers

/// Training with some layers as they are, against the Double reference, which knows nothing of fused, folded or skipped
/// work. Bounds are those of ``EngineAgreementTests``.
@Suite("Frozen layers")
struct FrozenLayerTests {
    /// The first half of the layers with weights, every second one, all normalisations, all but the last.
    private static func choices(_ graph: ResolvedGraph) -> [Set<Int>] {
        let learning = graph.nodes.indices.filter { !graph.nodes[$0].parameters.isEmpty }
        let norms = learning.filter { graph.nodes[$0].layer.as(BatchNormalization.self) != nil }
        return [
            Set(learning.prefix(learning.count / 2)),
            Set(learning.enumerated().filter { $0.offset.isMultiple(of: 2) }.map(\.element).dropLast()),
            Set(norms), Set(learning.dropLast()),
        ].filter { !$0.isEmpty && $0.count < learning.count }
    }

    @Test("loss, gradients of the others, running statistics", arguments: SampleGraph.all)
    func agreement(_ sample: SampleGraph) throws {
        for lowering in [nil, .im2col, .winograd4] as [Lowering.Kind?] {
            var graph = sample.graph
            graph.lowering = lowering
            let resolved = try ResolvedGraph(graph)
            for frozen in Self.choices(resolved) { try agreement(resolved.freezing(frozen), frozen) }
        }
    }

    private func agreement(_ graph: ResolvedGraph, _ frozen: Set<Int>) throws {
        let weights = TestWeights(graph, seed: 41), batch = TestBatch(graph, count: 7, seed: 42)
        let step = ReferenceNetwork.Step(seed: 9, number: 4, labelSmoothing: 0.1)
        let expected = weights.reference(graph).train(images: batch.images.doubles, labels: batch.labels, step: step)
        let outcomes = try [1, 3].map { threads in
            try TrainingRun(graph, weights, batchSize: 9, shards: 3, threads: threads, seed: step.seed)
                .step(batch, number: step.number, labelSmoothing: step.labelSmoothing)
        }
        let found = outcomes[1]
        #expect(outcomes[0] == found)
        let longest = graph.nodes.flatMap { node in
            node.parameters.map { $0.count / ($0.shape.last ?? 1) } + [batch.count * node.outputShape.rows]
        }
        let limit = 16 * Double(longest.max() ?? 1).squareRoot() * unitRoundoff
        #expect(abs(found.lossSum - expected.lossSum) <= limit * abs(expected.lossSum))
        #expect(relativeDistance(found.stateValues, expected.state) <= limit)
        let floor = 0.1 * (expected.gradients.map(abs).max() ?? 0)
        for (index, node) in graph.nodes.enumerated() {
            for tensor in node.state where frozen.contains(index) {
                #expect(tensor.range.allSatisfy { found.stateValues[$0] == Double(weights.state[$0]) })
            }
            for tensor in node.parameters {
                let gradient = Array(found.gradientValues[tensor.range])
                if frozen.contains(index) {
                    // The buffer held NaN before: nobody has written there.
                    #expect(gradient.allSatisfy { $0.isNaN }, "\(tensor.name)")
                } else {
                    let exact = Array(expected.gradients[tensor.range])
                    #expect(relativeDistance(gradient, exact, floor: floor) <= limit, "\(tensor.name)")
                }
            }
        }
    }

    /// What averaged weights need: statistics of the others, those of frozen batch-norms as they were.
    @Test("statistics computed anew leave those of frozen batch-norms")
    func statistics() throws {
        let graph = try ResolvedGraph(
            Graph(
                inputShape: Shape([8, 8, 1]),
                layers: [
                    .conv2d(filters: 4, kernelSize: 3), .batchNormalization(), .relu,
                    .conv2d(filters: 4, kernelSize: 3), .batchNormalization(), .relu, .flatten, .dense(units: 3),
                ])
        ).freezing([0, 1])
        let weights = TestWeights(graph, seed: 43), batch = TestBatch(graph, count: 8, seed: 44)
        let run = try TrainingRun(graph, weights, batchSize: 8, shards: 2, threads: 1)
        let statistics = try #require(
            BatchNormStatistics(graph: graph, batchSize: 8, shards: 2, pool: WorkerPool(threads: 1)))
        let parameters = AlignedBuffer(weights.parameters), before = AlignedBuffer(weights.state)
        let found = AlignedBuffer<Float>(count: graph.stateCount)
        statistics.begin(parameters: parameters, state: before)
        statistics.add(images: batch.imageBuffer(), count: 8)
        statistics.finish(into: found)
        // A step moves the running statistics a tenth of the way to those of the batch.
        let step = run.step(batch).stateValues
        for (index, node) in graph.nodes.enumerated() {
            for tensor in node.state {
                for i in tensor.range {
                    let whole = Double(before[i]) + 10 * (Double(step[i]) - Double(before[i]))
                    if index == 1 {
                        #expect(found[i] == before[i])
                    } else {
                        #expect(abs(Double(found[i]) - whole) < 1e-4)
                    }
                }
            }
        }
        let none = BatchNormStatistics(
            graph: graph.freezing([1, 4]), batchSize: 8, shards: 2, pool: WorkerPool(threads: 1))
        #expect(none == nil)
    }
}
