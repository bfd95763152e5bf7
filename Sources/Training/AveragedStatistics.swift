import Datasets
import Kernels
import NeuralNetwork
import Tensors

/// Batch-norm's statistics of averaged weights, computed anew from training images: the first so many of the training
/// split, in its order and without augmentation, as the network will see images when it is used.
final class AveragedStatistics {
    private let statistics: BatchNormStatistics
    private let images: ImageSet
    private let count: Int
    private let batch: Batch
    private let normalization: (mean: Float, standardDeviation: Float)?
    private let state: AlignedBuffer<Float>

    /// - Parameters:
    ///   - count: training images to use, at least 1; all where there are fewer.
    ///   - batchSize: images a batch, before the limits of 2 and `count`.
    /// - Returns: nil where the network has no batch-norm, or the set a single image.
    init?(
        graph: ResolvedGraph, images: ImageSet, count: Int, batchSize: Int, shards: Int,
        normalization: (mean: Float, standardDeviation: Float)?, pool: WorkerPool, communicator: any Communicator
    ) {
        self.count = min(count, images.count)
        guard self.count > 1 else { return nil }
        let batchSize = min(max(batchSize, 2), self.count)
        guard
            let statistics = BatchNormStatistics(
                graph: graph, batchSize: batchSize, shards: shards, pool: pool, communicator: communicator)
        else { return nil }
        self.statistics = statistics
        self.images = images
        self.normalization = normalization
        batch = Batch(capacity: batchSize, imageSize: images.imageSize)
        state = AlignedBuffer(count: graph.stateCount)
    }

    /// The statistics that go with `parameters`; valid until the next call.
    func state(for parameters: AlignedBuffer<Float>) -> AlignedBuffer<Float> {
        statistics.begin(parameters: parameters)
        for start in stride(from: 0, to: count, by: batch.capacity) {
            let batchCount = min(batch.capacity, count - start)
            let own = statistics.images(ofBatch: batchCount)
            BatchLoader.fill(
                batch, from: images, range: start + own.lowerBound..<start + own.upperBound, normalization: normalization)
            statistics.add(images: batch.images, count: batchCount)
        }
        statistics.finish(into: state)
        return state
    }
}
