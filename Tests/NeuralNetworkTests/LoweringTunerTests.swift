import Kernels
import Tensors
import TestSupport
import Testing

@testable import NeuralNetwork

/// What timing may and may not do; never how fast anything is.
@Suite("Lowering by timing")
struct LoweringTunerTests {
    private func tuned(
        _ graph: Graph, _ records: inout LoweringRecords
    ) throws -> (graph: ResolvedGraph, decisions: [LoweringDecision]) {
        try ResolvedGraph(graph).tuned(batchSize: 8, shards: 4, records: &records)
    }

    @Test("everything open is settled, from the candidates, and from records without timing")
    func settles() throws {
        var records = LoweringRecords()
        let graph = LoweringTests.network(nil)
        let first = try tuned(graph, &records)
        // The first layer's input gradient is nobody's.
        #expect(first.decisions.count == 2 + 3 + 1 && first.decisions.allSatisfy { !$0.wasKnown })
        #expect(records.records.count == 6)
        for node in first.graph.graph.nodes {
            guard let layer = node.layer.kind as? any LoweredLayer else { continue }
            #expect(layer.settledLowering != nil, "\(node.name) is open")
        }
        for decision in first.decisions {
            #expect(decision.record.microseconds[decision.record.choice] ?? 0 > 0)
            #expect(decision.record.errorShares.values.allSatisfy { $0 <= 1 })
        }
        let again = try tuned(graph, &records)
        #expect(again.decisions.allSatisfy(\.wasKnown) && again.graph.graph == first.graph.graph)
        // What is settled is left alone, and read again it is the same.
        let third = try tuned(first.graph.graph, &records)
        #expect(third.decisions.isEmpty && third.graph.graph == first.graph.graph)
        #expect(
            try ResolvedGraph(first.graph.graph).nodes.map(\.loweringPlan) == first.graph.nodes.map(\.loweringPlan))
    }

    @Test("records that say what cannot be are timed again")
    func distrust() throws {
        var records = LoweringRecords()
        let graph = LoweringTests.network(.kind(.im2col), model: .im2col)
        let honest = try tuned(graph, &records)
        #expect(honest.decisions.filter { $0.direction != nil }.allSatisfy { $0.record.choice.hasPrefix("im2col:") })
        for (key, wrong) in zip(
            records.records.keys.sorted(), ["", "winograd4:1", "im2col:0", "shifted:9", "images:2", "direct"])
        {
            records.records[key]?.choice = wrong
        }
        let found = try tuned(graph, &records)
        #expect(found.decisions.allSatisfy { !$0.wasKnown })
        #expect(found.decisions.filter { $0.direction != nil }.allSatisfy { $0.record.choice.hasPrefix("im2col:") })
    }

    @Test(
        "candidates begin with the table's and can all be computed",
        arguments: ReferenceConvolution.oddShapes(60, seed: 9).indices)
    func candidates(_ index: Int) {
        let g = ReferenceConvolution.oddShapes(60, seed: 9)[index].geometry
        for direction in LoweringTask.Direction.allCases {
            let task = LoweringTask(direction, g)
            let candidates = task.candidates(Lowering.Kind.allCases.filter { task.allows($0) })
            #expect(candidates.first == task.tabled)
            #expect(Set(candidates).count == candidates.count)
            #expect(candidates.allSatisfy { task.allows($0.kind) && Lowering.legalRows.contains($0.rows) })
        }
    }

    @Test("a Winograd whose error passes its bound is not eligible")
    func eligibility() {
        // The timing's own check, of F(4×4)'s result held to F(2×2)'s bound: it errs more, on these sums beyond it.
        var g = ReferenceConvolution(20, 20, 64, kernel: (3, 3), filters: 16)
        (g.top, g.bottom, g.left, g.right) = (1, 1, 1, 1)
        let trial = ConvolutionTiming(LoweringTask(.forward, g.geometry), images: 1)
        let four = trial.errorShare(Lowering(.winograd4, rows: 5), .four)
        let strict = trial.errorShare(Lowering(.winograd4, rows: 5), .two)
        #expect(four > 0 && four <= 1)
        #expect(abs(strict - four * 2.5) < 1e-9)
        for share in [0, 0.9, 1] { #expect(LoweringTuner.isWithinBound(share)) }
        for share in [1.1, .infinity, .nan] { #expect(!LoweringTuner.isWithinBound(share)) }
    }

    @Test("strips cover an image once, in order, at multiples of four rows")
    func strips() {
        for height in 1...70 {
            for work in [0, 1_000_000, 20_000_000, 1_000_000_000] {
                let ranges = Strips(height: height, multiplyAdds: work).ranges
                #expect(ranges.first?.lowerBound == 0 && ranges.last?.upperBound == height)
                #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
                #expect(ranges.allSatisfy { $0.lowerBound % 4 == 0 && !$0.isEmpty } && ranges.count <= 16)
            }
        }
        #expect(Strips(height: 28, multiplyAdds: 7_000_000).ranges == [0..<16, 16..<28])
    }

    @Test(
        "one image in strips is one image of a batch, for every lowering and thread count",
        arguments: Lowering.Kind.allCases)
    func single(_ kind: Lowering.Kind) throws {
        let graph = try ResolvedGraph(
            Graph(
                inputShape: Shape([30, 21, 1]), lowering: kind,
                layers: [
                    .conv2d(filters: 16, kernelSize: Size2D(3), padding: .same, useBias: false), .batchNormalization(),
                    .relu, .conv2d(filters: 16, kernelSize: Size2D(3), padding: .valid), .relu,
                    .conv2d(filters: 16, kernelSize: Size2D(1)),
                    .maxPooling2d(poolSize: Size2D(3), strides: Size2D(2), padding: .same),
                    .conv2d(filters: 16, kernelSize: Size2D(5), strides: Size2D(2), padding: .same), .tanh,
                    .averagePooling2d(poolSize: Size2D(2)), .flatten, .dense(units: 5),
                ]))
        let weights = TestWeights(graph, seed: 41), batch = TestBatch(graph, count: 2, seed: 42)
        let together = InferenceRun(graph, weights, batchSize: 2).predict(batch).probabilities
        let size = graph.inputShape.count
        let first = TestBatch(images: Array(batch.images.prefix(size)), labels: [0])
        let alone = [1, 2, 3].map { InferenceRun(graph, weights, batchSize: 2, threads: $0).predict(first) }
        #expect(relativeDistance(alone[0].probabilities, together.prefix(5).map { Double($0) }) <= 256 * unitRoundoff)
        #expect(alone.allSatisfy { $0.isIntact && $0.probabilities.bits == alone[0].probabilities.bits })
    }
}
