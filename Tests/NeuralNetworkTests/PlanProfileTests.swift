import LinearAlgebra
import Tensors
import Testing
import Workers

@testable import NeuralNetwork

/// Profiles account for every layer and change nothing.
@Suite struct PlanProfileTests {
    /// A residual network whose dense layer is large enough for blocks of weights.
    private static let graph = Graph(
        inputShape: Shape([8, 8, 2]),
        nodes: [
            LayerNode(
                name: "first", inputs: ["input"],
                layer: .conv2d(filters: 16, kernelSize: Size2D(3), padding: .same, useBias: false)),
            LayerNode(name: "norm", inputs: ["first"], layer: .batchNormalization()),
            LayerNode(name: "relu", inputs: ["norm"], layer: .relu),
            LayerNode(
                name: "second", inputs: ["relu"],
                layer: .conv2d(filters: 16, kernelSize: Size2D(3), padding: .same)),
            LayerNode(name: "sum", inputs: ["relu", "second"], layer: .add),
            LayerNode(name: "flat", inputs: ["sum"], layer: .flatten),
            LayerNode(name: "wide", inputs: ["flat"], layer: .dense(units: 80)),
            LayerNode(name: "tanh", inputs: ["wide"], layer: .tanh),
            LayerNode(name: "last", inputs: ["tanh"], layer: .dense(units: 4)),
        ])

    private static func step(threads: Int, profiled: Bool) throws -> (gradients: [Float], profile: PlanProfile) {
        let pool = WorkerPool(threads: threads)
        defer { pool.shutdown() }
        let network = try TrainingNetwork(
            graph: try ResolvedGraph(graph), batchSize: 12, shards: 4, seed: 3, pool: pool)
        let profile = network.makeProfile()
        if profiled { network.profile = profile }
        var stream = RandomStream(RandomAddress(seed: 1, purpose: .test))
        let images = AlignedBuffer<Float>((0..<12 * 128).map { _ in stream.uniform() })
        let labels = AlignedBuffer<Int32>((0..<12).map { Int32($0 % 4) })
        for step in 0..<2 { _ = network.step(images: images, labels: labels, count: 12, step: step) }
        return (network.store.gradients.array, profile)
    }

    @Test(arguments: [1, 2])
    func everyLayerWithParametersHasBothDirections(_ threads: Int) throws {
        let profile = try Self.step(threads: threads, profiled: true).profile
        let entries = profile.entries
        for name in ["first", "norm", "second", "wide", "last"] {
            for direction in [PlanProfile.Direction.forward, .backward] {
                let found = entries.filter { $0.layer == name && $0.direction == direction }
                #expect(found.count == 1 && (found.first?.seconds ?? 0) > 0, "\(name) \(direction)")
            }
        }
        #expect(entries.filter { $0.layer == "loss" }.count == 1)
        #expect(Set(entries.map { $0.layer + $0.direction.rawValue }).count == entries.count)
        #expect(profile.seconds(.weightPreparation) > 0 && profile.seconds(.gradientReduction) > 0)
        #expect(profile.seconds(.optimizer) == 0)
        profile.reset()
        #expect(profile.entries.allSatisfy { $0.seconds == 0 } && profile.idleSeconds == 0)
        #expect(profile.seconds(.gradientReduction) == 0)
    }

    @Test func bytesAndGradientsAreTheLayers() throws {
        let entries = try Self.step(threads: 1, profiled: true).profile.entries
        func entry(_ name: String, _ direction: PlanProfile.Direction) throws -> PlanProfile.Entry {
            try #require(entries.first { $0.layer == name && $0.direction == direction })
        }
        // 8·8·2 floats in, 8·8·16 out; backward reads both and, the network's input having no gradient, writes nothing.
        #expect(try entry("first", .forward).bytesPerImage == 4 * (128 + 1024))
        #expect(try entry("first", .backward).bytesPerImage == 4 * (128 + 1024))
        #expect(try !entry("first", .backward).writesGradient)
        #expect(try entry("second", .backward).bytesPerImage == 4 * (3 * 1024))
        #expect(try entry("second", .backward).writesGradient)
        #expect(try entry("wide", .forward).bytesPerImage == 4 * (1024 + 80))
    }

    @Test(arguments: [1, 2])
    func timingChangesNoBit(_ threads: Int) throws {
        let (plain, untouched) = try Self.step(threads: threads, profiled: false)
        let timed = try Self.step(threads: threads, profiled: true).gradients
        // Compared outside: `#expect` would take minutes to say how two long arrays differ.
        let differing = zip(plain, timed).filter { $0.0.bitPattern != $0.1.bitPattern }.count
        #expect(plain.count == timed.count && differing == 0)
        #expect(plain.contains { $0 != 0 })
        #expect(untouched.entries.allSatisfy { $0.seconds == 0 })
    }

    /// By hand, all convolutions as im2col: tiles as `TileTable` has them, blocks of 128 rows, 64 units and 128 features,
    /// shards of 3 images.
    @Test func productsAreTheLayers() throws {
        var graph = Self.graph
        graph.lowering = .im2col
        let products = try ResolvedGraph(graph).products(batchSize: 12, shards: 4)
        let expected: [(String, LayerProduct.Role, GEMMShape)] = [
            ("first", .forward, GEMMShape(64, 16, 18)), ("first", .weightGradient, GEMMShape(18, 16, 64, transA: true)),
            ("second", .forward, GEMMShape(64, 16, 144)), ("second", .inputGradient, GEMMShape(64, 16, 144)),
            ("second", .weightGradient, GEMMShape(144, 16, 64, transA: true)),
            ("wide", .forward, GEMMShape(12, 64, 1024)),
            ("wide", .weightGradient, GEMMShape(128, 80, 12, transA: true)),
            ("wide", .inputGradient, GEMMShape(12, 128, 80, transB: true)),
            ("last", .forward, GEMMShape(3, 4, 80)), ("last", .weightGradient, GEMMShape(80, 4, 3, transA: true)),
            ("last", .inputGradient, GEMMShape(3, 80, 4, transB: true)),
        ]
        #expect(products == expected.map { LayerProduct(layer: $0.0, role: $0.1, shape: $0.2) })
    }

    /// By hand: a first layer of few taps has no product; 8×8 outputs are 2×2 tiles of 4×4 and 16 of 2×2; shifted views
    /// of 8×8 outputs between borders are 7 rows of 10 windows and one of 8.
    @Test(arguments: [
        (Lowering(.winograd4, rows: 2), GEMMShape(4, 16, 16)), (Lowering(.winograd4, rows: 1), GEMMShape(2, 16, 16)),
        (Lowering(.winograd2, rows: 8), GEMMShape(32, 16, 16)), (Lowering(.shifted, rows: 99), GEMMShape(78, 16, 16)),
        (Lowering(.im2col, rows: 24), GEMMShape(24, 16, 144)),
    ])
    func productsOfALowering(_ lowering: Lowering, _ expected: GEMMShape) throws {
        var graph = Self.graph
        var layer = try #require(graph.nodes[3].layer.as(Conv2D.self))
        let all = ConvolutionLowering(forward: lowering, inputGradient: lowering, weightGradient: lowering)
        layer.lowering = .resolved(all)
        graph.nodes[3].layer = Layer(layer)
        let products = try ResolvedGraph(graph).products(batchSize: 12, shards: 4)
        #expect(products.allSatisfy { $0.layer != "first" })
        let second = products.filter { $0.layer == graph.nodes[3].name }
        #expect(second.first { $0.role == .forward }?.shape == expected)
        #expect(second.first { $0.role == .inputGradient }?.shape == expected)
        let (m, n, k) = (expected.n, expected.n, expected.m)
        if lowering.kind != .im2col {
            #expect(second.first { $0.role == .weightGradient }?.shape == GEMMShape(m, n, k, transA: true))
        }
    }
}
