import Foundation
import Kernels
import Tensors
import TestSupport
import Testing
import Workers

@testable import NeuralNetwork

/// Networks whose layers multiply bytes at inference.
@Suite("Quantized networks") struct QuantizedNetworkTests {
    /// ONNX Runtime's numbers for operators of whole numbers, made by Tests/Oracles/make_quantized.py.
    private struct Fixture: Decodable {
        struct Layer: Decodable {
            var name: String
            var shape: [Int]
            var weights, scales, bias: [Float]
            var inputScale: Float
            var inputZeroPoint: UInt8
        }

        var layers: [Layer]
        var pixels: [Float]
        var logits: [Float]
    }

    @Test("The logits are ONNX Runtime's, of a batch and one image at a time, on one thread and on two")
    func runtime() throws {
        let expected = try fixture("quantized", in: .module, as: Fixture.self)
        let plain = try ResolvedGraph(
            Graph(
                inputShape: Shape([12, 12, 2]),
                layers: [
                    .conv2d(filters: 8, kernelSize: 3, padding: .same), .relu, .maxPooling2d(poolSize: 2),
                    .dropout(rate: 0.5), .conv2d(filters: 20, kernelSize: 3, strides: 2, padding: .same),
                    .conv2d(filters: 7, kernelSize: 1), .relu, .flatten, .dense(units: 24), .relu, .dense(units: 5),
                ]))
        var layers: [Int: LayerQuantization] = [:], parameters: [Float] = []
        for (node, layer) in zip(plain.nodes.indices.filter { plain.canQuantize($0) }, expected.layers) {
            layers[node] = LayerQuantization(
                input: ByteScale(scale: layer.inputScale, zeroPoint: layer.inputZeroPoint), weightScales: layer.scales)
            parameters += layer.weights.enumerated().map { $1 * layer.scales[$0 % layer.scales.count] } + layer.bias
        }
        let graph = plain.quantizing(layers), images = expected.pixels.map { $0 / 255 }, floats = 12 * 12 * 2
        for threads in [1, 2] {
            let pool = WorkerPool(threads: threads)
            defer { pool.shutdown() }
            let network = InferenceNetwork(graph: graph, batchSize: 10, pool: pool)
            network.load(parameters: AlignedBuffer(parameters), state: AlignedBuffer(count: 0))
            let probabilities = AlignedBuffer<Float>(count: 50)
            network.predict(images: AlignedBuffer(images), count: 10, probabilities: probabilities)
            let together = network.logits(count: 10)
            // A unit of the last layer's sums is a thousandth of the logits.
            #expect(zip(together, expected.logits).allSatisfy { abs($0 - $1) <= 1e-6 * max(1, abs($1)) })
            for image in 0..<10 {
                let one = AlignedBuffer(images[image * floats..<(image + 1) * floats])
                network.predict(images: one, count: 1, probabilities: probabilities)
                #expect(network.logits(count: 1) == Array(together[image * 5..<(image + 1) * 5]))
            }
        }
    }

    /// Every layer that can be quantized, by what it reads of some images.
    static func quantized(_ graph: ResolvedGraph, _ weights: TestWeights, _ batch: TestBatch) -> ResolvedGraph {
        var layers: [Int: LayerQuantization] = [:]
        let pool = WorkerPool(threads: 1), parameters = AlignedBuffer(weights.parameters)
        defer { pool.shutdown() }
        for (index, node) in graph.nodes.enumerated() where graph.canQuantize(index) {
            let source = node.inputs[0]
            var values = batch.images
            if source >= 0 {
                let network = InferenceNetwork(graph: graph.truncated(at: source), batchSize: batch.count, pool: pool)
                network.load(parameters: parameters, state: AlignedBuffer(weights.state))
                let output = AlignedBuffer<Float>(count: batch.count * graph.nodes[source].outputShape.count)
                network.activations(images: batch.imageBuffer(), count: batch.count, into: output)
                values = output.array
            }
            let kernel = node.parameters[0], filters = node.outputShape.channels
            var largest = [Float](repeating: 1e-6, count: filters)
            for i in 0..<kernel.count {
                largest[i % filters] = max(largest[i % filters], abs(parameters[kernel.offset + i]))
            }
            layers[index] = LayerQuantization(
                input: ActivationHistogram.scale(low: values.min() ?? 0, high: values.max() ?? 0),
                weightScales: largest.map { $0 / 127 })
        }
        return graph.quantizing(layers)
    }

    @Test("Of any network: nearly the floats' answers; the same bits for any batch, threads and features")
    func randomGraphs() throws {
        var kinds = Set<String>()
        for sample in RandomGraphTests.graphs {
            let whole = try sample.resolved(), first = TestWeights(whole, seed: 3),
                batch = TestBatch(whole, count: 11, seed: 4)
            let folded = try whole.foldingNormalizations(
                parameters: AlignedBuffer(first.parameters), state: AlignedBuffer(first.state))
            var weights = first
            (weights.parameters, weights.state) = (folded.parameters.array, folded.state.array)
            let graph = Self.quantized(folded.graph, weights, batch)
            guard !graph.quantization.isEmpty else { continue }
            let float = InferenceRun(whole, first, batchSize: 11).predict(batch).probabilities
            // Folding is what inference does anyway.
            #expect(
                InferenceRun(folded.graph, weights, batchSize: 11).predict(batch).probabilities == float,
                "\(sample)")
            let run = InferenceRun(graph, weights, batchSize: 11), found = run.predict(batch)
            #expect(found.isIntact)
            let distance = largestDifference(found.probabilities, float.doubles)
            #expect(distance < 0.12, "\(sample): \(distance)")
            #expect(found.probabilities != float, "\(sample) multiplies floats")
            #expect(
                InferenceRun(graph, weights, batchSize: 11, threads: 3).predict(batch).probabilities
                    == found.probabilities)
            let classes = graph.classCount
            for image in 0..<batch.count {
                let one = batch.part(image..<image + 1)
                #expect(
                    run.predict(one).probabilities
                        == Array(found.probabilities[image * classes..<(image + 1) * classes]),
                    "\(sample), image \(image)")
            }
            kinds.formUnion(try Self.checkFeatures(graph, weights, batch, found.probabilities, "\(sample)"))
        }
        #expect(kinds == ["bytes", "floats"], "features of both kinds were seen")
    }

    /// With its features kept a network says the same, and they are what its last layer reads.
    private static func checkFeatures(
        _ graph: ResolvedGraph, _ weights: TestWeights, _ batch: TestBatch, _ expected: [Float], _ name: String
    ) throws -> Set<String> {
        guard let node = graph.penultimateNode else { return [] }
        let pool = WorkerPool(threads: 2)
        defer { pool.shutdown() }
        let network = InferenceNetwork(graph: graph, batchSize: 11, pool: pool, keepsFeatures: true)
        network.load(parameters: AlignedBuffer(weights.parameters), state: AlignedBuffer(weights.state))
        let probabilities = AlignedBuffer<Float>(count: expected.count)
        network.predict(images: batch.imageBuffer(), count: batch.count, probabilities: probabilities)
        #expect(probabilities.array == expected, "\(name) with features")
        let features = try #require(network.features(count: batch.count))
        let truncated = InferenceNetwork(graph: graph.truncated(at: node), batchSize: 11, pool: pool)
        truncated.load(parameters: AlignedBuffer(weights.parameters), state: AlignedBuffer(weights.state))
        let values = AlignedBuffer<Float>(count: features.count)
        truncated.activations(images: batch.imageBuffer(), count: batch.count, into: values)
        if features == values.array { return ["floats"] }
        let scale = try #require(graph.nodes.last { $0.layer.traits.hasKernel }?.quantization?.input)
        let low = -Float(scale.zeroPoint) * scale.scale, high = low + 255 * scale.scale
        #expect(
            zip(features, values.array).allSatisfy { abs($0 - max(low, min(high, $1))) <= 0.501 * scale.scale },
            "\(name)")
        return ["bytes"]
    }

    @Test("Several ranks come to the bits of one", arguments: RandomGraphTests.graphs.prefix(12))
    func ranks(_ sample: SampleGraph) throws {
        let plain = try sample.resolved(), weights = TestWeights(plain, seed: 5)
        let graph = Self.quantized(plain, weights, TestBatch(plain, count: 9, seed: 6))
        let batches = [40, 17, 6, 1].map { TestBatch(graph, count: $0, seed: UInt64($0)) }
        @Sendable func predict(_ communicator: any Communicator) -> [[UInt32]] {
            let run = InferenceRun(graph, weights, batchSize: 40, communicator: communicator)
            return batches.map { run.predict($0).probabilities.bits }
        }
        let expected = predict(SingleRank())
        for ranks in [2, 5] {
            let (found, _) = try ThreadRanks.run(ranks) { predict($0) }
            for outcome in found { #expect(outcome == expected, "\(ranks) ranks") }
        }
    }

    @Test("A network in training goes on in floats, whatever is quantized") func training() throws {
        let plain = try ResolvedGraph(
            Graph(
                inputShape: Shape([6, 6, 1]),
                layers: [.conv2d(filters: 4, kernelSize: 3), .relu, .flatten, .dense(units: 3)]))
        let weights = TestWeights(plain, seed: 1), batch = TestBatch(plain, count: 5, seed: 2)
        let graph = Self.quantized(plain, weights, batch)
        let one = try TrainingRun(plain, weights, batchSize: 5, shards: 2, threads: 1).step(batch)
        let other = try TrainingRun(graph, weights, batchSize: 5, shards: 2, threads: 1).step(batch)
        #expect(one == other)
    }

    /// Windows that do not overlap, but whose pixels lie apart.
    @Test("A dilated pooling after a convolution of bytes is computed as dilated") func dilatedPooling() throws {
        let whole = try ResolvedGraph(
            Graph(
                inputShape: Shape([14, 14, 1]),
                layers: [
                    .conv2d(filters: 8, kernelSize: 3, padding: .same), .relu,
                    .maxPooling2d(poolSize: 2, dilation: 3), .conv2d(filters: 6, kernelSize: 3), .relu, .flatten,
                    .dense(units: 4),
                ]))
        let weights = TestWeights(whole, seed: 8), batch = TestBatch(whole, count: 9, seed: 9)
        let graph = Self.quantized(whole, weights, batch)
        #expect(graph.quantization.count == 3)
        let float = InferenceRun(whole, weights, batchSize: 9).predict(batch).probabilities
        let bytes = InferenceRun(graph, weights, batchSize: 9).predict(batch).probabilities
        let distance = largestDifference(bytes, float.doubles)
        #expect(distance < 0.03, "\(distance)")
    }
}
