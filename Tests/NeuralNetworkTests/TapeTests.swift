import Formats
import Tensors
import TestSupport
import Testing
import Workers

@testable import NeuralNetwork

/// A layer given by a closure, for tests.
private struct Written: TapeLayer {
    /// Layers are values that compare: the closure is told by its number.
    var number = 0
    nonisolated(unsafe) static var forwards: [([TapeValue], Tape) -> TapeValue] = []
    static let type = "written"
    static let inputCount = 1...2
    static var options: Section<Written> { Section(initial: Written(), fields: []) }

    init() {}

    init(_ forward: @escaping ([TapeValue], Tape) -> TapeValue) {
        Self.forwards.append(forward)
        number = Self.forwards.count - 1
    }

    func forward(_ inputs: [TapeValue], _ tape: Tape) -> TapeValue { Self.forwards[number](inputs, tape) }
    func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] { [] }
}

/// A 1×1 convolution on a tape that says that it has a kernel.
private struct Kernelled: TapeLayer {
    static let type = "kernelled"
    static var options: Section<Kernelled> { Section(initial: Kernelled(), fields: []) }
    var traits: LayerTraits {
        var traits = LayerTraits()
        traits.hasKernel = true
        return traits
    }

    func forward(_ inputs: [TapeValue], _ tape: Tape) -> TapeValue {
        inputs[0].multiplied(by: tape.parameter("kernel", [2, 4]))
    }
    func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] { [] }
}

@Suite(.serialized) struct TapeTests {
    /// At inference other layers are computed along with built-in kernels, but not with one on a tape.
    @Test func whatFollowsAKernelIsComputed() throws {
        let graphs = try [Layer.conv2d(filters: 4, kernelSize: 1, useBias: false), Layer(Kernelled())].map {
            try ResolvedGraph(
                Graph(inputShape: [5, 5, 2], layers: [$0, .batchNormalization(), .relu, .flatten, .dense(units: 3)]))
        }
        let weights = TestWeights(graphs[0], seed: 3), batch = TestBatch(graphs[0], count: 4, seed: 4)
        let found = graphs.map { InferenceRun($0, weights, batchSize: 4).predict(batch).probabilities }
        for (a, b) in zip(found[0], found[1]) { #expect(abs(a - b) < 1e-5) }
    }

    private static func layer(_ forward: @escaping ([TapeValue], Tape) -> TapeValue) -> Layer {
        Layer(Written(forward))
    }

    private static func check(
        _ name: String, _ shapes: [[Int]] = [[4, 5, 3]], _ forward: @escaping ([TapeValue], Tape) -> TapeValue
    ) throws {
        let check = try checkGradients(layer(forward), inputShapes: shapes)
        #expect(check.error < 2e-3, "\(name): \(check)")
        let error = try #require(check.doublePrecisionError)
        #expect(error < 1e-7, "\(name): \(error)")
    }

    @Test func functions() throws {
        try Self.check("negative") { x, _ in -x[0] }
        try Self.check("exp") { x, _ in x[0].exp() }
        try Self.check("log") { x, _ in (x[0] * x[0] + 0.5).log() }
        try Self.check("root") { x, _ in (x[0] * x[0] + 0.5).squareRoot() }
        try Self.check("tanh") { x, _ in x[0].tanh() }
        try Self.check("sigmoid") { x, _ in x[0].sigmoid() }
        try Self.check("erf") { x, _ in x[0].erf() }
        try Self.check("absolute") { x, _ in x[0].absolute() }
        try Self.check("power") { x, _ in (x[0] * x[0] + 0.5).power(1.5) }
        try Self.check("relu") { x, _ in x[0].relu() }
        try Self.check("clamped") { x, _ in x[0].clamped(-0.5, 0.5) }
        try Self.check("softmax") { x, _ in x[0].softmax() }
        try Self.check("largest of channels") { x, _ in x[0].largest(over: .channels) }
        try Self.check("largest of pixels") { x, _ in x[0] * x[0].largest(over: .pixels) }
    }

    @Test func operators() throws {
        try Self.check("two", [[3, 4, 2], [3, 4, 2]]) { x, _ in x[0] * x[1] + x[0] - x[1] * 0.5 }
        try Self.check("quotient", [[3, 4, 2], [3, 4, 2]]) { x, _ in x[0] / (x[1] * x[1] + 0.5) }
        try Self.check("larger", [[30], [30]]) { x, _ in x[0].maximum(x[1]) }
        try Self.check("smaller", [[30], [30]]) { x, _ in x[0].minimum(x[1]) }
        try Self.check("numbers") { x, _ in 2 - (1 + x[0]) * 3 / 4 + 1 / (x[0] * x[0] + 1) }
        try Self.check("channels repeated") { x, t in
            x[0] * t.parameter("scale", [3], .scale) + t.parameter("shift", [3], .shift)
        }
        try Self.check("pixels repeated") { x, t in x[0] / (1 + t.parameter("pixels", [4, 5, 1]).exp()) }
        try Self.check("rows repeated") { x, t in x[0] * t.parameter("rows", [4, 1, 1], .bias) }
        try Self.check("columns repeated") { x, t in x[0] * t.parameter("columns", [1, 5, 3]) }
        try Self.check("a weight of one axis") { x, t in x[0] * t.parameter("weight", [3]) }
        try Self.check("rows by columns of a kernel", [[6, 5, 2]]) { x, t in
            x[0].depthwiseConvolved(
                with: t.parameter("column", [3, 1, 1, 2]) * t.parameter("row", [1, 3, 1, 2]), padding: .same)
        }
        try Self.check("outer", [[6]]) { x, t in x[0] * t.parameter("column", [4, 1]) }
        try Self.check("one number") { x, t in x[0] * t.parameter("alpha", [1], .scale) }
    }

    @Test func sumsAndShapes() throws {
        try Self.check("mean of pixels") { x, _ in x[0] - x[0].mean(over: .pixels) }
        try Self.check("sum of channels") { x, _ in x[0] * x[0].sum(over: .channels) }
        try Self.check("mean of all") { x, _ in x[0] * x[0].mean(over: .all) }
        try Self.check("reshaped") { x, _ in x[0].reshaped([5, 12]) * x[0].reshaped([60]).channels(3..<15) }
        try Self.check("slice") { x, _ in x[0].channels(1..<3) * x[0].channels(0..<1) }
        try Self.check("joined") { x, _ in x[0].joined(with: x[0] * x[0], x[0].channels(0..<1)) }
        try Self.check("the input itself") { x, _ in x[0] }
    }

    @Test func products() throws {
        try Self.check("pixels by a matrix") { x, t in x[0].multiplied(by: t.parameter("w", [3, 4])) }
        try Self.check("vector by a matrix", [[6]]) { x, t in x[0].multiplied(by: t.parameter("w", [6, 2])) }
        try Self.check("convolution", [[7, 6, 2]]) { x, t in
            x[0].convolved(with: t.parameter("w", [3, 3, 2, 4]), strides: 2, padding: .same)
        }
        try Self.check("convolution twice", [[6, 6, 3]]) { x, t in
            let w = t.parameter("w", [3, 3, 3, 3])
            return x[0].convolved(with: w, padding: .same).tanh().convolved(with: w, dilation: 2)
        }
        try Self.check("depthwise", [[7, 6, 17]]) { x, t in
            let w = t.parameter("w", [3, 2, 1, 17])
            return x[0].depthwiseConvolved(with: w, padding: .same) + x[0]
        }
        // Its gradient is summed over the images.
        try Self.check("a filtered parameter", [[5, 6, 2]]) { x, t in
            let kernel = t.parameter("kernel", [3, 3, 1, 2])
            return x[0] * t.parameter("mask", [5, 6, 2]).depthwiseConvolved(with: kernel, padding: .same)
        }
    }

    /// The tape's products against the layers that do the same.
    @Test func agreesWithBuiltInLayers() throws {
        let pairs: [(String, Layer, Layer, [String])] = [
            (
                "convolution", .conv2d(filters: 4, kernelSize: 3, padding: .same),
                Self.layer { x, t in
                    x[0].convolved(with: t.parameter("kernel", [3, 3, 2, 4]), padding: .same)
                        + t.parameter("bias", [4], .bias)
                }, []
            ),
            (
                "depthwise", .depthwiseConv2d(kernelSize: 3),
                Self.layer { x, t in
                    x[0].depthwiseConvolved(with: t.parameter("kernel", [3, 3, 1, 2])) + t.parameter("bias", [2], .bias)
                }, []
            ),
            ("swish", .swish, Self.layer { x, _ in x[0] * x[0].sigmoid() }, []),
        ]
        for (name, builtIn, written, _) in pairs {
            let runs = try [builtIn, written].map { layer in
                let graph = try ResolvedGraph(
                    Graph(
                        inputShape: [8, 7, 2],
                        layers: [.depthwiseConv2d(kernelSize: 1), layer, .flatten, .dense(units: 3)]))
                let pool = WorkerPool(threads: 2)
                defer { pool.shutdown() }
                let network = try TrainingNetwork(graph: graph, batchSize: 6, shards: 3, seed: 5, pool: pool)
                let images = AlignedBuffer<Float>((0..<6 * 112).map { Float(($0 * 37) % 101) / 101 })
                let labels = AlignedBuffer<Int32>([0, 1, 2, 0, 1, 2])
                let loss = network.step(images: images, labels: labels, count: 6, step: 1).lossSum
                return (loss, network.store.gradients.array)
            }
            #expect(abs(runs[0].0 - runs[1].0) < 1e-5, "\(name)")
            for (a, b) in zip(runs[0].1, runs[1].1) { #expect(abs(a - b) < 1e-5 * max(1, abs(a)), "\(name)") }
        }
    }

    @Test func sameBitsForAnyThreadsAndFrozen() throws {
        let layer = Self.layer { x, t in
            x[0].convolved(with: t.parameter("w", [3, 3, 2, 4]), padding: .same).tanh()
                * x[0].mean(over: .pixels).sum(over: .channels)
        }
        let graph = try ResolvedGraph(
            Graph(
                inputShape: [8, 7, 2], layers: [.conv2d(filters: 2, kernelSize: 1), layer, .flatten, .dense(units: 3)]))
        func gradients(_ graph: ResolvedGraph, threads: Int) throws -> [Float] {
            let pool = WorkerPool(threads: threads)
            defer { pool.shutdown() }
            let network = try TrainingNetwork(graph: graph, batchSize: 40, shards: 4, seed: 5, pool: pool)
            let images = AlignedBuffer<Float>((0..<40 * 112).map { Float(($0 * 37) % 101) / 101 })
            let labels = AlignedBuffer<Int32>((0..<40).map { Int32($0 % 3) })
            _ = network.step(images: images, labels: labels, count: 40, step: 1)
            return network.store.gradients.array
        }
        let one = try gradients(graph, threads: 1)
        #expect(try one == gradients(graph, threads: 3))
        let frozen = try gradients(graph.freezing([1]), threads: 2)
        for tensor in graph.parameters {
            #expect(
                tensor.name.contains("written")
                    ? frozen[tensor.range].allSatisfy { $0 == 0 } : frozen[tensor.range] == one[tensor.range],
                "\(tensor.name)")
        }
    }

    @Test func whatCannotBeSaysWhere() throws {
        func message(_ shape: [Int], _ forward: @escaping ([TapeValue], Tape) -> TapeValue) -> String {
            do {
                _ = try ResolvedGraph(
                    Graph(inputShape: Shape(shape), layers: [Self.layer(forward), .flatten, .dense(units: 3)]))
                return ""
            } catch { return "\(error)" }
        }
        let place = "model.layers[0] (written_1): "
        #expect(
            message([4, 4, 3]) { x, t in x[0] + t.parameter("b", [2]) } == place
                + "expected shapes that are alike, or 1 where they are not · received 4×4×3 and 2")
        #expect(
            message([4, 4, 3]) { x, t in x[0].multiplied(by: t.parameter("w", [2, 5])) } == place
                + "expected a matrix of 3 rows for a product · received 2×5")
        #expect(
            message([4, 4, 3]) { x, t in x[0].convolved(with: t.parameter("w", [5, 5, 3, 2])) }.hasPrefix(
                place + "expected a window that fits"))
        #expect(
            message([4, 4, 3]) { x, t in x[0].depthwiseConvolved(with: t.parameter("w", [3, 3, 1, 2])) } == place
                + "expected an image and a kernel of kH×kW×1×3 · received 4×4×3 and 3×3×1×2")
        #expect(
            message([4, 4, 3]) { x, _ in x[0].channels(2..<5) } == place
                + "expected channels within 0..<3 · received 2..<5")
        #expect(
            message([4, 4, 3]) { x, _ in x[0].reshaped([7]) } == place
                + "expected a shape of 48 elements · received [7]")
        #expect(
            message([4, 4, 3]) { x, _ in x[0].joined(with: x[0].mean(over: .pixels)) } == place
                + "expected values alike but in their channels · received 4×4×3, 1×1×3")
        #expect(
            message([4, 4, 3]) { x, t in t.parameter("w", [3]) }.hasPrefix(
                place + "expected a forward pass that reads each input"))
        #expect(
            message([4, 4, 3]) { x, t in x[0] * t.parameter("w", [0]) }.hasPrefix(
                place + "expected a parameter of positive extents"))
        #expect(message([4, 4, 3]) { x, _ in x[0].clamped(1, 0) }.hasPrefix(place + "expected a low end"))
        #expect(
            message([4, 4, 3]) { x, t in
                x[0].multiplied(by: t.parameter("w", [3, 3])).multiplied(by: t.parameter("w", [3, 3]))
            } == place + "expected a name for each parameter · received written_1/w twice")
        #expect(
            message([1024, 1024, 1]) { x, t in x[0].multiplied(by: t.parameter("w", [1, 4096])) } == place
                + "expected extents with a product below 2^31 · received 1024×1024×4096")
        #expect(
            message([4, 4, 2]) { x, _ in (x[0].reshaped([2, 2, 2, 2, 2]) + 1).reshaped([32]) } == place
                + "expected values of at most 4 axes · received 2×2×2×2×2 and 1")
        #expect(throws: InputError.self) {
            try Graph(inputShape: [4, 4, 3], layers: [Self.layer { x, _ in x[0].reshaped([4, 12]).tanh() }])
        }
    }
}
