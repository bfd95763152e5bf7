import Experiments
import Formats
import Foundation
import Interchange
import Kernels
import NeuralNetwork
import ONNX
import Tensors
import TestSupport
import Testing
import Training

@Suite("ONNX export")
struct ONNXExportTests {
    /// Images `[N, H, W, C]` as `[N, C, H, W]`; vectors as they are.
    private func nchw(_ images: [Double], _ shape: Shape, count: Int) -> ONNXInterpreter.Value {
        guard shape.isImage else { return .init(shape: [count, shape.count], data: images) }
        let (height, width, channels) = (shape.height, shape.width, shape.channels)
        var data: [Double] = []
        for n in 0..<count {
            for c in 0..<channels {
                for pixel in 0..<height * width { data.append(images[(n * height * width + pixel) * channels + c]) }
            }
        }
        return .init(shape: [count, channels, height, width], data: data)
    }

    /// Padding that crops, that passes the window behind, and windows that leave rows unused.
    static let borders = SampleGraph(
        "borders", [9, 8, 2],
        [
            .conv2d(
                filters: 3, kernelSize: Size2D(3), strides: Size2D(2),
                padding: .explicit(top: -1, bottom: 6, left: 4, right: -1)),
            .conv2d(filters: 2, kernelSize: Size2D(2), strides: Size2D(3)),
            .batchNormalization(epsilon: 0.01), .flatten, .batchNormalization(), .dense(units: 3),
        ])
    static let pools = SampleGraph(
        "pools", [9, 8, 2],
        [
            .maxPooling2d(
                poolSize: Size2D(3), strides: Size2D(2), padding: .explicit(top: 2, bottom: 1, left: -1, right: 1)),
            .averagePooling2d(
                poolSize: Size2D(2), strides: Size2D(3), padding: .explicit(top: 1, bottom: 1, left: 1, right: 0)),
            .flatten, .dense(units: 3),
        ])

    @Test("computes what the network computes", arguments: SampleGraph.all + [borders, pools], ONNXInput.allCases)
    func values(sample: SampleGraph, input: ONNXInput) throws {
        let graph = try sample.resolved()
        let weights = TestWeights(graph, seed: 41)
        let mean: Float = 0.25, deviation: Float = 0.75
        let model = savedModel(graph, weights, normalization: (mean, deviation))
        var export = ONNXExport()
        export.input = input
        var interpreter = try ONNXInterpreter(export.encoded(model))
        var random = TestData(42)
        let bytes = random.integers(3 * graph.inputShape.count, limit: 127).map { Double($0 + 127) }
        let pixels = bytes.map { $0 / 255 }
        let standardized = pixels.map { ($0 - Double(mean)) / Double(deviation) }
        let expected = weights.reference(graph).probabilities(images: standardized, count: 3)
        let found = try interpreter.run(nchw(input == .uint8 ? bytes : pixels, graph.inputShape, count: 3))
        #expect(found.shape == [3, graph.classCount])
        // Both in Double; only the constants of the graph are rounded to float32.
        #expect(relativeDistance(found.data, expected) < 1e-6)
        // The shapes that the graph notes are those that come out.
        for info in interpreter.model.graph.valueInfo {
            let extents = info.type.tensorType.shape.dim.dropFirst().map { Int($0.dimValue) }
            #expect(interpreter.values[info.name]?.shape == [3] + extents, "\(info.name)")
        }
        try Self.keep(export.encoded(model), sample, input, bytes, expected)
    }

    @Test("quantized layers compute what they compute here, between bytes", arguments: ONNXInput.allCases)
    func quantized(input: ONNXInput) throws {
        let graph = try ResolvedGraph(
            Graph(
                inputShape: Shape([12, 10, 2]),
                layers: [
                    .conv2d(filters: 6, kernelSize: 3, padding: .same), .relu, .maxPooling2d(poolSize: 2),
                    .dropout(rate: 0.3),
                    .conv2d(filters: 5, kernelSize: 3, strides: 2), .tanh, .conv2d(filters: 4, kernelSize: 1), .relu,
                    .flatten, .dense(units: 7), .relu, .dense(units: 3),
                ]))
        let weights = TestWeights(graph, seed: 5), normalization: (mean: Float, standardDeviation: Float) = (0.25, 0.75)
        // What bytes of these scales cut is cut on both sides.
        let inputs: [(Float, UInt8)] = [(1 / (255 * 0.75), 64), (0.011, 0), (0.0079, 127), (0.012, 0), (0.02, 0)]
        var layers: [Int: LayerQuantization] = [:]
        for (node, (scale, zeroPoint)) in zip(graph.nodes.indices.filter { graph.canQuantize($0) }, inputs) {
            let scales = graph.weightScales(node, parameters: AlignedBuffer(weights.parameters))
            layers[node] = LayerQuantization(input: ByteScale(scale: scale, zeroPoint: zeroPoint), weightScales: scales)
        }
        var rounded = weights
        let network = graph.quantizing(layers)
        rounded.parameters = network.rounded(AlignedBuffer(weights.parameters)).array
        let model = savedModel(network, rounded, normalization: normalization)
        var export = ONNXExport()
        export.input = input
        var interpreter = try ONNXInterpreter(export.encoded(model))
        var random = TestData(6)
        let bytes = random.integers(3 * graph.inputShape.count, limit: 127).map { Double($0 + 127) }
        let images = bytes.map { (Float($0) / 255 - normalization.mean) / normalization.standardDeviation }
        let expected = InferenceRun(network, rounded, batchSize: 3).predict(
            TestBatch(images: images, labels: [0, 1, 2])
        ).probabilities
        let found = try interpreter.run(
            nchw(input == .uint8 ? bytes : bytes.map { $0 / 255 }, graph.inputShape, count: 3))
        // Where a sum lies between two bytes, Double and Float may round it to different ones.
        #expect(relativeDistance(found.data, expected.doubles) < 2e-3)
        let operators = interpreter.model.graph.node.map(\.opType)
        // One before each of the five layers, and one more before the pooling and the flatten, which bytes pass.
        #expect(operators.filter { $0 == "QuantizeLinear" }.count == 7)
        let types = Set(
            interpreter.model.graph.initializer.filter { $0.name.hasSuffix("kernel/quantized") }.map(\.dataType))
        #expect(types == [Int32(Onnx_TensorProto.DataType.int8.rawValue)])
    }

    /// With `NUMERAL_ONNX_SAMPLES` a folder, leaves the models there for `Tests/Oracles/check_onnx_samples.py`.
    private static func keep(
        _ data: Data, _ sample: SampleGraph, _ input: ONNXInput, _ bytes: [Double], _ expected: [Double]
    ) throws {
        guard let folder = ProcessInfo.processInfo.environment["NUMERAL_ONNX_SAMPLES"] else { return }
        let name = sample.description.map { $0.isLetter || $0.isNumber ? $0 : "-" } + Array("-\(input.rawValue)")
        let url = URL(fileURLWithPath: folder).appendingPathComponent(String(name))
        try data.write(to: url.appendingPathExtension("onnx"))
        let shape = sample.graph.inputShape.dimensions
        try NPZ.encode([
            TensorRecord(name: "bytes", shape: [3] + shape, values: bytes.floats),
            TensorRecord(name: "probabilities", shape: [3, expected.count / 3], values: expected.floats),
        ]).write(to: url.appendingPathExtension("npz"))
    }

    @Test("names, versions and metadata")
    func description() throws {
        let resolved = try #require(SampleGraph.all.first { $0.description == "large images joined" }).resolved()
        let model = savedModel(resolved, TestWeights(resolved, seed: 1))
        var export = ONNXExport()
        export.producerVersion = "9.8.7"
        export.metadata = ["numeral.test_accuracy": "0.5", "classes": "not these"]
        let data = try export.encoded(model)
        let proto = try Onnx_ModelProto(serializedBytes: data)
        #expect(proto.irVersion == 7 && proto.opsetImport.map(\.version) == [13])
        #expect(proto.producerName == "numeral" && proto.producerVersion == "9.8.7")
        let metadata = Dictionary(uniqueKeysWithValues: proto.metadataProps.map { ($0.key, $0.value) })
        #expect(metadata["classes"]?.hasPrefix(#"["class 0", "class 1", "class 2", "#) == true)
        #expect(metadata["numeral.test_accuracy"] == "0.5")
        #expect(try Experiment.decode(try #require(metadata["numeral.config"]), name: "").model == resolved.graph)
        #expect(
            proto.graph.node.map(\.name) == resolved.nodes.dropLast(2).map(\.name) + [
                "gap/mean", "gap", "out", "probabilities",
            ])
        #expect(Set(proto.graph.initializer.map(\.name)) == Set((resolved.parameters + resolved.state).map(\.name)))
        #expect(proto.graph.input.map(\.name) == ["input"] && proto.graph.output.map(\.name) == ["probabilities"])
        #expect(proto.graph.input[0].type.tensorType.shape.dim.map(\.dimParam) == ["N", "", "", ""])
        #expect(proto.graph.input[0].type.tensorType.shape.dim.dropFirst().map(\.dimValue) == [2, 24, 24])
        #expect(try export.encoded(model) == data)
    }

    @Test("a layer may have any name that the export wants for itself")
    func names() throws {
        let graph = try ResolvedGraph(
            Graph(
                inputShape: Shape([2, 2, 2]),
                nodes: [
                    LayerNode("probabilities", "input", layer: .flatten),
                    LayerNode("probabilities/nhwc", "probabilities", layer: .gelu),
                    LayerNode("input/mean", "probabilities/nhwc", layer: .dense(units: 2)),
                ]))
        let weights = TestWeights(graph, seed: 3)
        var interpreter = try ONNXInterpreter(
            ONNXExport().encoded(savedModel(graph, weights, normalization: (0, 1))))
        let pixels = (0..<8).map { Double($0) / 8 }
        let found = try interpreter.run(nchw(pixels, graph.inputShape, count: 1))
        #expect(interpreter.model.graph.output[0].name == "probabilities_2")
        let expected = weights.reference(graph).probabilities(images: pixels, count: 1)
        #expect(relativeDistance(found.data, expected) < 1e-6)
    }
}
