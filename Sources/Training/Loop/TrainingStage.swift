import Datasets
import NeuralNetwork
import Tensors
import Workers

/// Epochs on images of one size: their batches and the network for them. All stages train the same weights.
struct TrainingStage {
    /// From 1.
    var lastEpoch: Int
    var network: TrainingNetwork
    var loader: BatchLoader

    /// The stages of ``TrainingOptions/progressiveResizing``, and at last the one of whole images.
    /// - Parameter network: for whole images, whose weights all stages train.
    /// - Throws: `InputError` where a size is none for these images or this network, whose weights must fit every size.
    static func stages(
        _ options: TrainingOptions, graph: ResolvedGraph, network: TrainingNetwork, images: ImageSet,
        normalization: (mean: Float, standardDeviation: Float)?, augmenter: Augmenter?, seed: UInt64, pool: WorkerPool,
        communicator: any Communicator
    ) throws -> [TrainingStage] {
        func loader(_ resize: ImageResize?) -> BatchLoader {
            BatchLoader(
                data: images, batchSize: network.batchSize, normalization: normalization, augmenter: augmenter,
                resize: resize, seed: seed, shuffle: true, pool: pool, part: network.batchPart)
        }
        var stages: [TrainingStage] = []
        for (index, stage) in options.progressiveResizing.enumerated() {
            let place = "training.progressiveResizing[\(index)].size"
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
            let resize = ImageResize(
                fromHeight: images.height, fromWidth: images.width, channels: images.channels, height: stage.height,
                width: stage.width)
            stages.append(
                TrainingStage(
                    lastEpoch: (stages.last?.lastEpoch ?? 0) + stage.epochs,
                    network: try TrainingNetwork(
                        graph: resolved, batchSize: network.batchSize, shards: options.shards, seed: seed, pool: pool,
                        store: network.store, communicator: communicator), loader: loader(resize)))
        }
        return stages + [TrainingStage(lastEpoch: options.epochs, network: network, loader: loader(nil))]
    }
}
