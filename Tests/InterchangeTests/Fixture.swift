import Experiments
import Foundation
import Interchange
import NeuralNetwork
import Tensors
import TestSupport
import Testing
import Training

/// The path of `Fixtures/<name>`.
func fixturePath(_ name: String) throws -> String {
    try #require(Bundle.module.resourceURL).appendingPathComponent("Fixtures").appendingPathComponent(name).path
}

func fixtureData(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: fixturePath(name))) }

/// Calls `body` with the path of a file of these bytes.
func withFile<Result>(_ data: Data, _ body: (String) throws -> Result) throws -> Result {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("interchange-\(UUID().uuidString)")
    try data.write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }
    return try body(url.path)
}

/// What PyTorch and Keras computed (`Tests/Oracles/make_weights.py`).
struct Oracle: Decodable {
    struct Array: Decodable {
        var shape: [Int]
        var values: [Float]
    }

    /// `[4, 8, 7, 2]`.
    var images: [Float]
    /// `[4, 4]`.
    var torchLogits: [Double]
    var kerasLogits: [Double]
    var arrays: [String: Array]

    static func load() throws -> Oracle { try JSONDecoder().decode(Oracle.self, from: fixtureData("weights.json")) }

    /// The oracle's network, as this project writes it.
    static let layers: [Layer] = [
        .conv2d(filters: 4, kernelSize: Size2D(3), padding: .same), .batchNormalization(), .relu,
        .maxPooling2d(poolSize: Size2D(2)), .conv2d(filters: 5, kernelSize: Size2D(2, 3), useBias: false), .gelu,
        .flatten, .batchNormalization(), .tanh, .dense(units: 15), .dense(units: 4),
    ]

    static func graph(_ layers: [Layer] = layers) throws -> ResolvedGraph {
        try ResolvedGraph(Graph(inputShape: Shape([8, 7, 2]), layers: layers))
    }

    /// The largest difference of a logit, less the constant of an image that no probability depends on.
    func distance(of weights: WeightImport, from logits: [Double]) throws -> Double {
        let run = InferenceRun(
            try Self.graph(), TestWeights(parameters: weights.parameters.array, state: weights.state.array),
            batchSize: 4)
        let found = run.predict(TestBatch(images: images, labels: [0, 0, 0, 0])).probabilities
        let expected = Reference.softmax(logits, columns: 4)
        return largestDifference(found.map { logarithm(Double($0)) }, expected.map(logarithm))
    }
}

extension WeightImport {
    static func load(_ fixture: String, layout: WeightLayout? = nil) throws -> WeightImport {
        let graph = try Oracle.graph()
        let file = try WeightFile.load(path: fixturePath(fixture), limit: byteLimit(graph))
        return try WeightImport(file, into: graph, layout: layout)
    }
}

/// A saved model of `graph` with these weights.
func savedModel(
    _ graph: ResolvedGraph, _ weights: TestWeights, normalization: (mean: Float, standardDeviation: Float)? = nil
) -> SavedModel {
    SavedModel(
        experiment: Experiment(name: "test", model: graph.graph), graph: graph,
        classNames: (0..<graph.classCount).map { "class \($0)" }, normalization: normalization,
        parameters: AlignedBuffer(weights.parameters), state: AlignedBuffer(weights.state))
}
