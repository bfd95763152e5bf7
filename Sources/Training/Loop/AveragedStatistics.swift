import Datasets
import NeuralNetwork
import Tensors
import Workers

/// Batch-norm's statistics of averaged weights, computed anew from training images: the first so many of the training
/// split, in its order, augmented as they were in the epoch that ended or as they are.
final class AveragedStatistics {
    private let statistics: BatchNormStatistics
    private let loader: BatchLoader
    private let count: Int
    private let state: AlignedBuffer<Float>

    /// - Parameters:
    ///   - count: training images to use, at least 1, rounded down to whole batches; all where there are fewer.
    ///   - batchSize: images a batch, before the limits of 2 and `count`.
    ///   - augmenter: nil takes the images as they are.
    /// - Returns: nil where the network has no batch-norm that is trained, or the set a single image.
    init?(
        graph: ResolvedGraph, images: ImageSet, count: Int, batchSize: Int, shards: Int,
        normalization: (mean: Float, standardDeviation: Float)?, augmenter: Augmenter?, pool: WorkerPool,
        communicator: any Communicator
    ) {
        guard min(count, images.count) > 1 else { return nil }
        let batchSize = min(max(batchSize, 2), count, images.count)
        // Every batch is whole, but for the set's last: so each process knows its part of it.
        self.count = count < images.count ? count / batchSize * batchSize : images.count
        guard
            let statistics = BatchNormStatistics(
                graph: graph, batchSize: batchSize, shards: shards, pool: pool, communicator: communicator)
        else { return nil }
        self.statistics = statistics
        // The whole set, so that each image keeps its number, by which it is augmented.
        loader = BatchLoader(
            data: images, batchSize: batchSize, normalization: normalization, augmenter: augmenter, resize: nil,
            seed: 0, shuffle: false, pool: pool, part: statistics.batchPart)
        state = AlignedBuffer(count: graph.stateCount)
    }

    /// The statistics that go with `parameters`, from the images of epoch `epoch`; valid until the next call.
    /// - Parameter running: those of training, which frozen batch-norms keep.
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
