import Datasets
import NeuralNetwork
import Tensors
import Workers

/// A range of epochs on images of one size with the same layers frozen, with its batches and networks. All stages train
/// the same weights.
struct TrainingStage {
    /// The last epoch of the stage, from 1.
    var lastEpoch: Int
    /// One network for each width of line, or a single one for images.
    var networks: [TrainingNetwork]
    var loader: any BatchSource
    /// The nodes that are frozen.
    var frozen: Set<Int>

    /// The epochs on images of one size.
    private struct Size {
        var lastEpoch: Int
        var graph: ResolvedGraph
        var loader: BatchLoader
    }

    /// Returns the stages of ``TrainingOptions/progressiveResizing`` and ``TrainingOptions/frozen``. The last one uses
    /// full-size images, with only those layers frozen that are frozen to the end.
    /// - Parameter network: The last stage's network, whose weights all stages train.
    /// - Throws: `InputError` if a size does not suit these images or this network, whose weights must fit every size.
    static func stages(
        _ options: TrainingOptions, treatment: LayerTreatment, graph: ResolvedGraph, network: TrainingNetwork,
        images: ImageSet, normalization: (mean: Float, standardDeviation: Float)?, augmenter: Augmenter?, seed: UInt64,
        pool: WorkerPool, communicator: any Communicator
    ) throws -> [TrainingStage] {
        func loader(_ resize: ImageResize?) -> BatchLoader {
            BatchLoader(
                data: images, batchSize: network.batchSize, normalization: normalization, augmenter: augmenter,
                resize: resize, seed: seed, shuffle: true, pool: pool, part: network.batchPart)
        }
        var sizes: [Size] = []
        for (index, stage) in options.progressiveResizing.enumerated() {
            let place = "training.progressiveResizing[\(index)].size"
            sizes.append(
                Size(
                    lastEpoch: (sizes.last?.lastEpoch ?? 0) + stage.epochs,
                    graph: try resized(graph, to: stage, of: images, place),
                    loader: loader(
                        ImageResize(
                            fromHeight: images.height, fromWidth: images.width, channels: images.channels,
                            height: stage.height, width: stage.width))))
        }
        let whole = Size(lastEpoch: options.epochs, graph: graph, loader: loader(nil))
        let ends = Set(sizes.map(\.lastEpoch) + treatment.lastEpochs).filter { $0 < options.epochs }.sorted()
        let stages = try ends.map { epoch in
            let size = sizes.first { epoch <= $0.lastEpoch } ?? whole, frozen = treatment.frozen(in: epoch)
            return TrainingStage(
                lastEpoch: epoch,
                networks: [
                    try TrainingNetwork(
                        graph: size.graph.freezing(frozen), batchSize: network.batchSize, shards: options.shards,
                        seed: seed, pool: pool, store: network.store, communicator: communicator)
                ],
                loader: size.loader, frozen: frozen)
        }
        return stages + [
            TrainingStage(
                lastEpoch: options.epochs, networks: [network], loader: whole.loader,
                frozen: treatment.frozen(in: options.epochs))
        ]
    }

    /// Returns the graph for smaller images.
    private static func resized(
        _ graph: ResolvedGraph, to stage: ResizingStage, of images: ImageSet, _ place: String
    ) throws(InputError) -> ResolvedGraph {
        guard (1...images.height).contains(stage.height), (1...images.width).contains(stage.width) else {
            throw InputError(
                place, expected: "at most the images' own, \(images.height)×\(images.width)",
                received: "\(stage.height)×\(stage.width)")
        }
        var smaller = graph.graph
        smaller.inputShape = Shape([stage.height, stage.width, images.channels])
        let resolved: ResolvedGraph
        do throws(InputError) {
            resolved = try ResolvedGraph(smaller)
        } catch {
            throw InputError(
                place, expected: "a size that the network can take", received: "\(stage.height)×\(stage.width)",
                remedy: "\(error.place): expected \(error.expected), received \(error.received)")
        }
        for (whole, part) in zip(graph.parameters, resolved.parameters) where whole.shape != part.shape {
            throw InputError(
                place,
                expected: "a network whose weights fit every size of image, such as one with "
                    + "globalAveragePooling2d before its dense layers",
                received: "\(whole.name) of \(Shape(part.shape)) instead of \(Shape(whole.shape))")
        }
        return resolved
    }
}
