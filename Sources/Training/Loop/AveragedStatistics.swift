import Datasets
import NeuralNetwork
import Tensors
import Workers

/// Recomputes batch-norm's statistics for averaged weights from the first images of the training split, in its order,
/// either augmented as in the epoch that just ended or unaugmented.
final class AveragedStatistics {
    private let statistics: BatchNormStatistics
    private let loader: BatchLoader
    private let count: Int
    private let state: AlignedBuffer<Float>

    /// - Parameters:
    ///   - count: The number of training images to use, at least 1, rounded down to whole batches; all images if there
    ///     are fewer.
    ///   - batchSize: The number of images per batch, before it is limited to at least 2 and at most `count`.
    ///   - augmenter: The augmentation; `nil` uses the images unaugmented.
    /// - Returns: `nil` if the network has no batch-norm that is trained, or there is only a single image to use.
    init?(
        graph: ResolvedGraph, images: ImageSet, count: Int, batchSize: Int, shards: Int,
        normalization: (mean: Float, standardDeviation: Float)?, augmenter: Augmenter?, pool: WorkerPool,
        communicator: any Communicator
    ) {
        guard min(count, images.count) > 1 else { return nil }
        let batchSize = min(max(batchSize, 2), count, images.count)
        // Every batch is full except the last one of the set, so each process knows its part of it.
        self.count = count < images.count ? count / batchSize * batchSize : images.count
        guard
            let statistics = BatchNormStatistics(
                graph: graph, batchSize: batchSize, shards: shards, pool: pool, communicator: communicator)
        else { return nil }
        self.statistics = statistics
        // The loader reads the whole set, so that each image keeps its number, which determines its augmentation.
        loader = BatchLoader(
            data: images, batchSize: batchSize, normalization: normalization, augmenter: augmenter, resize: nil,
            seed: 0, shuffle: false, pool: pool, part: statistics.batchPart)
        state = AlignedBuffer(count: graph.stateCount)
    }

    /// Returns the statistics for `parameters`, computed from the images of epoch `epoch`. The buffer is valid until
    /// the next call.
    /// - Parameter running: The running statistics of training, which frozen batch-norms keep.
    func state(
        for parameters: AlignedBuffer<Float>, running: AlignedBuffer<Float>, epoch: Int
    ) -> AlignedBuffer<Float> {
        statistics.begin(parameters: parameters, state: running)
        loader.start(epoch: epoch)
        var left = count
        while left > 0, let batch = loader.next() {
            statistics.add(images: batch.images, count: batch.total)
            left -= batch.total
        }
        statistics.finish(into: state)
        return state
    }
}
