import Datasets
import Evaluation
import Foundation
import NeuralNetwork
import Tensors
import Training
import Workers

@testable import Reports
@testable import Runs

extension Samples {
    /// Random pictures for the samples of `evaluation`.
    static func images(
        _ evaluation: EvaluationSummary, side: Int = 6, channels: Int = 1
    ) throws -> ImageSet {
        let predictions = evaluation.predictions
        var random = RandomStream(RandomAddress(seed: 31, purpose: .test))
        return try ImageSet(
            images: (0..<predictions.count * side * side * channels).map { _ in
                UInt8(truncatingIfNeeded: random.nextWord())
            },
            labels: predictions.labels.map { UInt8($0) }, height: side, width: side, channels: channels,
            classCount: predictions.classCount, classNames: predictions.classNames)
    }

    static func graph(classes: Int, side: Int = 6, channels: Int = 1) throws -> ResolvedGraph {
        var nodes: [LayerNode] = []
        let layers: [Layer] = [
            .conv2d(filters: 5, kernelSize: Size2D(3, 2)), .relu, .flatten, .dense(units: classes),
        ]
        for (i, layer) in layers.enumerated() {
            nodes.append(LayerNode(name: "\(layer.type)<\(i)>", inputs: [nodes.last?.name ?? "input"], layer: layer))
        }
        return try ResolvedGraph(Graph(inputShape: Shape([side, side, channels]), nodes: nodes))
    }

    /// Weights made up, pictures of all kinds.
    static func pictures(
        _ evaluation: EvaluationSummary, side: Int = 6, channels: Int = 1
    ) throws -> (pictures: RunPictures, graph: ResolvedGraph) {
        let images = try images(evaluation, side: side, channels: channels)
        let graph = try graph(classes: evaluation.predictions.classCount, side: side, channels: channels)
        let parameters = try graph.initialParameters(seed: 4)
        let pool = WorkerPool(threads: 1)
        let extractor = FeatureExtractor(graph: graph, batchSize: 64, normalization: nil, pool: pool)
        extractor.load(parameters: parameters, state: graph.initialState())
        var augmentation = AugmentationOptions()
        augmentation.rotation = 10
        return (
            RunPictures(
                mistakes: try Mistakes(evaluation, images: images),
                embedding: try EmbeddingMap(evaluation, images: images, extractor: extractor),
                augmentation: try AugmentationSheet(images, options: augmentation, seed: 9),
                filters: try FilterSheet(graph, parameters: parameters)), graph
        )
    }

    static func report(_ evaluation: EvaluationSummary, history: TrainingHistory?, name: String = "run") throws
        -> RunReport
    {
        let (pictures, graph) = try pictures(evaluation)
        return RunReport(
            name: name,
            data: .init(
                dataset: "mnist", isSample: true, training: history == nil ? nil : 3500, validation: 500,
                choosesEpoch: true, imageShape: graph.inputShape),
            graph: graph, evaluation: evaluation, metrics: metrics(evaluation, history), history: history,
            pictures: pictures, configuration: "{\n  \"name\": \"<\(name)>\"\n}\n", environment: environment,
            reproduction: ["swift run trainer --config 'a & b.json'"])
    }
}
