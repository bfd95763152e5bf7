import Tensors
import Workers

/// A loader of an epoch's batches, shuffled and augmented.
///
/// The training threads make each batch on request. Separate threads could prepare it in the meantime, but when all
/// cores are training they preempt one of the training threads, and the rest wait for it: that cost 11 % of the time,
/// this 3 %. What an image becomes depends only on the seed, the epoch and its index in the set, so the result is the
/// same for any number of threads. Not thread-safe: call it from one thread.
package final class BatchLoader {
    package let batchSize: Int
    /// The number of batches per epoch, including a short last one.
    package let batchCount: Int
    private let work: BatchWork
    private let pool: WorkerPool
    private let seed: UInt64
    private let shuffle: Bool
    private let part: (_ count: Int) -> Range<Int>
    /// The number of batches made in this epoch.
    private var made: Int

    /// - Parameters:
    ///   - normalization: The mean μ and standard deviation σ > 0 to standardise by; nil leaves pixels in [0, 1].
    ///   - augmenter: An augmenter for images of this size; nil leaves them unchanged.
    ///   - resize: Downscales images as the last step; nil keeps their size.
    ///   - seed: The seed of the order of images in each epoch.
    ///   - shuffle: Whether the order changes each epoch; otherwise it is that of `data`.
    ///   - pool: The threads that make batches.
    ///   - part: Returns which images to fill of a batch of `count`; the batch from ``next()`` starts with them.
    /// - Precondition: `batchSize` is at least 1, `data` is not empty, and σ is positive.
    package init(
        data: ImageSet, batchSize: Int, normalization: (mean: Float, standardDeviation: Float)? = nil,
        augmenter: Augmenter? = nil, resize: ImageResize? = nil, seed: UInt64, shuffle: Bool, pool: WorkerPool,
        part: @escaping (_ count: Int) -> Range<Int> = { 0..<$0 }
    ) {
        precondition(batchSize >= 1, "BatchLoader: batch size must be at least 1, received \(batchSize)")
        precondition(data.count >= 1, "BatchLoader: no images")
        precondition(normalization.map { $0.standardDeviation > 0 } ?? true, "BatchLoader: deviation must be positive")
        if let augmenter {
            precondition(
                (augmenter.height, augmenter.width, augmenter.channels) == (data.height, data.width, data.channels),
                "BatchLoader: augmenter for images of another size")
        }
        let capacity = min(batchSize, data.count)
        self.batchSize = batchSize
        batchCount = (data.count + capacity - 1) / capacity
        // The part of a short last batch may be longer than that of a whole one if parts are only a few images.
        let last = data.count - (batchCount - 1) * capacity
        work = BatchWork(
            ImageWriter(data, normalization: normalization, augmenter: augmenter, resize: resize),
            capacity: max(part(capacity).count, part(last).count, 1), workers: pool.threads)
        self.pool = pool
        self.seed = seed
        self.shuffle = shuffle
        self.part = part
        // There are no batches until the first epoch is started.
        made = batchCount
    }

    /// Starts `epoch`, discarding what is left of the previous one. Its order is a permutation at the address (seed,
    /// shuffle, epoch).
    /// - Parameter batch: The first batch that ``next()`` returns; ``batchCount`` for none.
    /// - Precondition: `epoch` is in 0..<2^32 and `batch` in 0...``batchCount``.
    package func start(epoch: Int, at batch: Int = 0) {
        precondition(epoch >= 0 && epoch <= Int(UInt32.max), "BatchLoader: epoch must be in 0..<2^32")
        precondition(batch >= 0 && batch <= batchCount, "BatchLoader: batch must be in 0...\(batchCount)")
        work.epoch = epoch
        if shuffle {
            var stream = RandomStream(RandomAddress(seed: seed, purpose: .shuffle, major: UInt32(epoch)))
            work.order = stream.permutation(work.order.count)
        }
        made = batch
    }

    /// Returns the next batch, or nil at the end of the epoch. It is the same object each time.
    package func next() -> Batch? {
        guard made < batchCount else { return nil }
        let first = made * min(batchSize, work.order.count)
        let total = min(batchSize, work.order.count - first)
        let own = part(total)
        work.places = first + own.lowerBound..<first + own.upperBound
        work.batch.count = own.count
        work.batch.total = total
        pool.run(work, tasks: (own.count + BatchWork.runLength - 1) / BatchWork.runLength)
        made += 1
        return work.batch
    }

    package func checkReading() throws(InputError) { try work.writer.data.checkReading() }

    /// Fills `batch` with the images in `range` of `data`, in order and without augmentation, for evaluation.
    /// - Precondition: `range` lies within `data` and is no longer than the capacity of the batch, which is for images
    ///   of this size.
    package static func fill(
        _ batch: Batch, from data: ImageSet, range: Range<Int>,
        normalization: (mean: Float, standardDeviation: Float)? = nil
    ) {
        precondition(range.lowerBound >= 0 && range.upperBound <= data.count, "BatchLoader: range out of the data")
        precondition(range.count <= batch.capacity, "BatchLoader: more images than the batch's capacity")
        precondition(batch.images.count == batch.capacity * data.imageSize, "BatchLoader: images of another size")
        let writer = ImageWriter(data, normalization: normalization, augmenter: nil)
        var scratch = writer.makeScratch()
        for (slot, index) in range.enumerated() {
            writer.write(index, to: slot, of: batch, epoch: 0, scratch: &scratch)
        }
        batch.count = range.count
        batch.total = range.count
    }
}

/// The images of one batch, written in runs that any thread may take.
private final class BatchWork: ParallelWork {
    let batch: Batch
    var epoch = 0
    var order: [Int]
    /// The batch's images, as positions in `order`.
    var places = 0..<0
    let writer: ImageWriter
    /// One scratch per thread.
    private let scratch: [Scratch]
    static let runLength = 8
    /// How many images ahead those in files are asked for: some batches, less than the system's cache for sure.
    static let lookahead = 2048

    private final class Scratch {
        var value: ImageWriter.Scratch
        init(_ value: ImageWriter.Scratch) { self.value = value }
    }

    init(_ writer: ImageWriter, capacity: Int, workers: Int) {
        self.writer = writer
        batch = Batch(capacity: capacity, imageSize: writer.outputSize)
        batch.isMixed = writer.mixing != nil
        batch.addTargets(of: writer.data)
        order = Array(0..<writer.data.count)
        scratch = (0..<workers).map { _ in Scratch(writer.makeScratch()) }
    }

    func run(task: Int, worker: Int) {
        let first = task * Self.runLength
        let scratch = scratch[worker]
        for slot in first..<min(first + Self.runLength, places.count) {
            let place = places.lowerBound + slot
            writer.write(order[place], to: slot, of: batch, epoch: epoch, scratch: &scratch.value)
            // Which images come later is known: their files are read while the network computes.
            if place + Self.lookahead < order.count { writer.data.prefetch(order[place + Self.lookahead]) }
        }
    }
}
