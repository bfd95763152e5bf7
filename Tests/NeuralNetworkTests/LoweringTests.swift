import Kernels
import Tensors
import TestSupport
import Testing

@testable import NeuralNetwork

/// Every lowering in every direction and in pieces of any size, against plain loops.
@Suite("Lowerings")
struct LoweringTests {
    static let shapes: [ReferenceConvolution] = {
        var large = ReferenceConvolution(images: 3, 13, 9, 16, kernel: (3, 3), filters: 20)
        (large.top, large.bottom, large.left, large.right) = (1, 1, 1, 1)
        var strided = ReferenceConvolution(images: 3, 8, 7, 5, kernel: (3, 2), filters: 6)
        (strided.strideHeight, strided.strideWidth, strided.top, strided.left) = (2, 3, 1, 1)
        var dilated = ReferenceConvolution(images: 3, 9, 9, 3, kernel: (2, 3), filters: 4)
        (dilated.dilationHeight, dilated.dilationWidth, dilated.right) = (2, 3, 2)
        var row = ReferenceConvolution(images: 3, 5, 26, 16, kernel: (1, 5), filters: 20)
        (row.left, row.right) = (2, 2)
        return [
            large, strided, dilated, row, ReferenceConvolution(images: 3, 6, 6, 1, kernel: (3, 3), filters: 32),
            ReferenceConvolution(images: 3, 5, 4, 7, kernel: (1, 1), filters: 3),
        ]
    }()

    @Test("forward and gradients of three images", arguments: shapes, Lowering.Kind.allCases)
    func directions(_ reference: ReferenceConvolution, _ kind: Lowering.Kind) {
        let g = reference.geometry, images = reference.images
        var data = TestData(4)
        let x = data.integers(images * g.inputCount, limit: 3), dy = data.integers(images * g.outputCount, limit: 3)
        let w = data.integers(g.weightCount, limit: 2).map { 4 * $0 }, bias = data.integers(g.filters, limit: 9)
        let xs = AlignedBuffer(x.map { Float($0) }), dys = AlignedBuffer(dy.map { Float($0) })
        let ws = AlignedBuffer(w.map { Float($0) }), bs = AlignedBuffer(bias.map { Float($0) })
        let back = reference.backward(x: x, w: w, dy: dy), forward = reference.forward(x: x, w: w, bias: bias)
        /// Exact, but for tiles of four, whose own tests hold them to their bounds.
        func expect(_ found: [Float], _ exact: [Int], _ what: String) {
            let expected = exact.map { Float($0) }
            if kind == .winograd4 || kind == .winogradLine {
                #expect(relativeDistance(found, expected.map { Double($0) }) < 1e-5, "\(what)")
            } else {
                #expect(found == expected, "\(what)")
            }
        }
        var tried = 0
        for rows in [1, 2, 5, 40, 99_999] {
            let lowering = Lowering(kind, rows: rows)
            for direction in [LoweringTask.Direction.forward, .inputGradient] {
                let task = LoweringTask(direction, g)
                guard task.allows(kind) else { continue }
                let product = LoweredProduct(task, lowering)
                product.prepare(ws.pointer)
                let isForward = direction == .forward
                let target = GuardedFloats(count: isForward ? dy.count : x.count)
                let scratch = GuardedFloats(count: product.scratchFloats)
                var seen = 0
                product.run(
                    images: images, x: isForward ? xs.pointer : dys.pointer, layerWeights: ws.pointer,
                    bias: isForward ? UnsafePointer(bs.pointer) : nil, y: target.pointer, scratch: scratch.pointer
                ) { count, _ in seen += count }
                expect(target.values, isForward ? forward : back.dx, "\(direction) \(lowering)")
                #expect(!isForward || seen == images * g.outRows, "\(lowering)")
                #expect(target.isIntact && scratch.isIntact, "\(direction) \(lowering)")
                tried += 1
            }
            guard kind.isEligible(for: g) else { continue }
            let gradient = LoweredWeightGradient(g, lowering)
            let dw = GuardedFloats(count: g.weightCount), scratch = GuardedFloats(count: gradient.scratchFloats)
            let sums = GuardedFloats(count: max(1, gradient.sumFloats))
            // In two calls, as the chunks of a shard come.
            for part in [0..<1, 1..<images] {
                gradient.run(
                    images: part.count, x: xs.pointer + part.lowerBound * g.inputCount,
                    dy: dys.pointer + part.lowerBound * g.outputCount, dw: dw.pointer, sums: sums.pointer,
                    isFirst: part.lowerBound == 0, isLast: part.upperBound == images, scratch: scratch.pointer)
            }
            expect(dw.values, back.dw, "weight gradient \(lowering)")
            #expect(dw.isIntact && scratch.isIntact && sums.isIntact, "\(lowering)")
            tried += 1
        }
        #expect(tried > 0 || !kind.isEligible(for: g))
    }

    @Test("texts and values are one to one")
    func texts() {
        for text in ["direct", "im2col:1", "shifted:784", "winograd2:14", "winograd4:99999"] {
            #expect(Lowering(text: text)?.text == text)
        }
        let wrong = [
            "", "im2col", "direct:1", "im2col:0", "im2col:01", "im2col:+1", "im2col:-1", "im2col:100000", "im2col:1:2",
            "Im2col:1", "im2col: 1", "winograd3:1", "im2col:٣",
        ]
        for text in wrong { #expect(Lowering(text: text) == nil, "\(text)") }
        #expect(DenseLowering(text: "images") == .images)
        #expect(DenseLowering(text: "weights:64") == .weights(features: 64))
        for text in ["", "weights", "weights:0", "weights:064", "weights:100000", "images:1"] {
            #expect(DenseLowering(text: text) == nil, "\(text)")
        }
    }

    static func network(_ lowering: LoweringChoice?, model: Lowering.Kind? = nil, kernel: Int = 3) -> Graph {
        Graph(
            inputShape: Shape([12, 12, 1]), lowering: model,
            layers: [
                .conv2d(filters: 16, kernelSize: Size2D(3), padding: .same, useBias: false), .batchNormalization(),
                .relu,
                .conv2d(filters: 16, kernelSize: Size2D(kernel), padding: .same, lowering: lowering), .relu,
                .maxPooling2d(poolSize: Size2D(2)), .flatten, .dense(units: 3),
            ])
    }

    private static func plan(_ graph: Graph, _ node: Int) throws -> ConvolutionLowering? {
        if case .convolution(let lowering)? = try ResolvedGraph(graph).nodes[node].loweringPlan { return lowering }
        return nil
    }

    @Test(
        "a layer's lowering goes before the model's; layers that cannot be lowered so choose",
        arguments: Lowering.Kind.allCases)
    func precedence(_ kind: Lowering.Kind) throws {
        let table = try #require(try Self.plan(Self.network(.auto, model: kind), 3))
        #expect(table == ConvolutionLowering(try LoweringTask.convolution(of: Self.network(nil), 3)))
        let own = try #require(try Self.plan(Self.network(.kind(.shifted), model: kind), 3))
        #expect(LoweringTask.Direction.allCases.allSatisfy { own[$0].kind == .shifted })
        let first = try #require(try Self.plan(Self.network(nil, model: kind), 0))
        let second = try #require(try Self.plan(Self.network(nil, model: kind), 3))
        // One channel is too few for Winograd, sixteen are too many for the direct loop.
        let isWinograd = [.winograd2, .winograd4, .winogradLine].contains(kind)
        #expect(first.forward.kind == (isWinograd ? .direct : kind))
        #expect(second.forward.kind == (kind == .direct || kind == .winogradLine ? table.forward.kind : kind))
    }

    @Test("what cannot be is refused where it is said")
    func refusals() throws {
        let im2col = Lowering(.im2col, rows: 8)
        let choices: [LoweringChoice] = [
            .kind(.winograd4), .kind(.direct),
            .resolved(.init(forward: im2col, inputGradient: Lowering(.winograd2, rows: 1), weightGradient: im2col)),
        ]
        for choice in choices {
            do {
                _ = try ResolvedGraph(Self.network(choice, kernel: 5))
                Issue.record("\(choice) was taken")
            } catch {
                #expect(error.place == "model.layers[3] (conv2d_2)" && error.expected.hasPrefix("for lowering"))
            }
        }
    }

    @Test(
        "the same bits for 1 and 2 threads and from the stored choice, whatever the lowering",
        arguments: Lowering.Kind.allCases)
    func threads(_ kind: Lowering.Kind) throws {
        let graph = try ResolvedGraph(Self.network(nil, model: kind))
        var records = LoweringRecords()
        let tuned = graph.tuned(batchSize: 8, shards: 4, records: &records).graph
        let weights = TestWeights(graph, seed: 2), batch = TestBatch(graph, count: 8, seed: 3)
        let one = try TrainingRun(tuned, weights, batchSize: 8, shards: 4, threads: 1).step(batch)
        let two = try TrainingRun(tuned, weights, batchSize: 8, shards: 4, threads: 2).step(batch)
        let stored = try TrainingRun(try ResolvedGraph(tuned.graph), weights, batchSize: 8, shards: 4, threads: 2)
        #expect(one == two && stored.step(batch) == one)
    }
}

extension LoweringTask {
    fileprivate static func convolution(of graph: Graph, _ node: Int) throws -> ConvolutionGeometry {
        guard case .convolution(let geometry)? = try ResolvedGraph(graph).nodes[node].geometry else {
            throw InputError("node \(node)", expected: "a convolution", received: "none")
        }
        return geometry
    }
}
