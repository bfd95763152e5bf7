import Foundation
import Tensors

/// Batches of an epoch, shuffled and augmented by threads of its own while the caller computes on the one before.
///
/// Batches are cut into runs of images that any worker may take; what an image becomes depends only on the seed, the
/// epoch and its index in the set, so the result is the same for any number of workers. Three buffers are used by
/// turns: one with the caller, two filled ahead. Call it from one thread.
package final class BatchLoader {
    package let batchSize: Int
    /// Batches of an epoch, the short last one included.
    package let batchCount: Int
    private let queue: BatchQueue

    /// - Parameters:
    ///   - normalization: Mean μ and standard deviation σ > 0 to standardise by; nil leaves pixels in [0, 1].
    ///   - augmenter: Of the same size as the images; nil leaves them as they are.
    ///   - resize: Makes images smaller in the end; nil leaves their size.
    ///   - seed: Of the order of images in each epoch.
    ///   - shuffle: Whether the order changes each epoch; else it is that of `data`.
    ///   - workers: Threads that prepare batches, at least 1.
    ///   - part: The images to fill of a batch of so many; they begin the batch that ``next()`` gives.
    /// - Precondition: `batchSize` and `workers` at least 1, `data` not empty, σ positive.
    package init(
        data: ImageSet, batchSize: Int, normalization: (mean: Float, standardDeviation: Float)? = nil,
        augmenter: Augmenter? = nil, resize: ImageResize? = nil, seed: UInt64, shuffle: Bool, workers: Int = 1,
        part: @escaping @Sendable (_ count: Int) -> Range<Int> = { 0..<$0 }
    ) {
        precondition(batchSize >= 1, "BatchLoader: batch size must be at least 1, received \(batchSize)")
        precondition(workers >= 1, "BatchLoader: workers must be at least 1, received \(workers)")
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
        queue = BatchQueue(
            ImageWriter(data, normalization: normalization, augmenter: augmenter, resize: resize), capacity: capacity,
            seed: seed, shuffle: shuffle, workers: workers, part: part)
    }

    deinit { queue.stop() }

    /// Begins `epoch`, whatever was left of the one before. Its order is a permutation at the address (seed, shuffle,
    /// epoch).
    /// - Parameter batch: the first that ``next()`` gives; ``batchCount`` for none.
    /// - Precondition: `epoch` in 0..<2^32, `batch` in 0...``batchCount``; ``stop()`` was not called.
    package func start(epoch: Int, at batch: Int = 0) { queue.start(epoch: epoch, at: batch) }

    /// The next batch, or nil at the end of the epoch. It is the caller's until the next call of this or of
    /// ``start(epoch:)``.
    package func next() -> Batch? { queue.next() }

    /// Breaks the epoch off: nothing is prepared until the next ``start(epoch:at:)``.
    package func pause() { queue.pause() }

    /// Ends the threads; there are no more batches. The end of the loader's life does the same.
    package func stop() { queue.stop() }

    /// Fills `batch` with the images in `range` of `data`, in order and not augmented: for evaluation.
    /// - Precondition: `range` within `data`, no longer than the batch's capacity, which is for images of this size.
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

/// What ``BatchLoader`` shares with its threads; they keep this and not the loader, so that the loader's end can stop
/// them. Everything that changes is guarded by `condition`, except the pixels: a run of images belongs to the worker
/// that took it.
private final class BatchQueue: @unchecked Sendable {
    private let writer: ImageWriter
    private let seed: UInt64
    private let shuffle: Bool
    private let capacity: Int
    private let batchCount: Int
    private let batches: [Batch]
    private let part: @Sendable (_ count: Int) -> Range<Int>
    /// Images that a worker takes at once.
    private static let runLength = 16

    private let condition = NSCondition()
    private var order: [Int]
    private var epoch = 0
    /// The run that is taken next.
    private var nextBatch: Int
    private var nextRun = 0
    /// Runs of each buffer's batch that are not done.
    private var pending: [Int]
    /// Batches given to the caller in this epoch, and those it has given back.
    private var delivered: Int
    private var released: Int
    private var runsInWork = 0
    private var threads = 0
    private var stopping = false

    init(
        _ writer: ImageWriter, capacity: Int, seed: UInt64, shuffle: Bool, workers: Int,
        part: @escaping @Sendable (_ count: Int) -> Range<Int>
    ) {
        self.writer = writer
        self.seed = seed
        self.shuffle = shuffle
        self.capacity = capacity
        batchCount = (writer.data.count + capacity - 1) / capacity
        self.part = part
        // The part of a short last batch may be longer than that of a whole one, where parts are few images.
        let last = writer.data.count - (batchCount - 1) * capacity
        let most = max(part(capacity).count, part(last).count, 1)
        batches = (0..<3).map { _ in Batch(capacity: most, imageSize: writer.outputSize) }
        for batch in batches { batch.isMixed = writer.mixing != nil }
        order = Array(0..<writer.data.count)
        pending = [0, 0, 0]
        // Nothing to do until the first epoch is started.
        nextBatch = batchCount
        delivered = batchCount
        released = batchCount
        threads = workers
        for number in 0..<workers {
            let thread = Thread { [self] in work() }
            thread.name = "numeral batches \(number)"
            thread.start()
        }
    }

    func start(epoch: Int, at batch: Int) {
        precondition(epoch >= 0 && epoch <= Int(UInt32.max), "BatchLoader: epoch must be in 0..<2^32")
        precondition(batch >= 0 && batch <= batchCount, "BatchLoader: batch must be in 0...\(batchCount)")
        condition.lock()
        defer { condition.unlock() }
        precondition(!stopping, "BatchLoader: started after it was stopped")
        // No run is taken any more; those in work are waited for.
        nextBatch = batchCount
        while runsInWork > 0 { condition.wait() }
        self.epoch = epoch
        if shuffle {
            var stream = RandomStream(RandomAddress(seed: seed, purpose: .shuffle, major: UInt32(epoch)))
            order = stream.permutation(order.count)
        }
        nextRun = 0
        delivered = batch
        released = batch
        nextBatch = batch
        condition.broadcast()
    }

    func pause() {
        condition.lock()
        defer { condition.unlock() }
        nextBatch = batchCount
        delivered = batchCount
        released = batchCount
        while runsInWork > 0 { condition.wait() }
    }

    func next() -> Batch? {
        condition.lock()
        defer { condition.unlock() }
        released = delivered
        condition.broadcast()
        guard !stopping, delivered < batchCount else { return nil }
        while nextBatch <= delivered || pending[delivered % 3] > 0 { condition.wait() }
        delivered += 1
        return batches[(delivered - 1) % 3]
    }

    func stop() {
        condition.lock()
        defer { condition.unlock() }
        stopping = true
        condition.broadcast()
        while threads > 0 { condition.wait() }
    }

    /// How many images `batch` has.
    private func total(_ batch: Int) -> Int { min(capacity, writer.data.count - batch * capacity) }

    /// Those of them that are filled, as places in the epoch's order.
    private func images(of batch: Int) -> Range<Int> {
        let part = part(total(batch))
        return batch * capacity + part.lowerBound..<batch * capacity + part.upperBound
    }

    /// Sets up the buffer of `batch`, which is about to be filled.
    private func prepare(_ batch: Int) {
        let count = images(of: batch).count
        batches[batch % 3].count = count
        batches[batch % 3].total = total(batch)
        // A batch of which nothing is filled takes one run that does nothing.
        pending[batch % 3] = max(1, (count + Self.runLength - 1) / Self.runLength)
    }

    /// A worker's life.
    private func work() {
        var scratch = writer.makeScratch()
        condition.lock()
        while !stopping {
            guard nextBatch < batchCount, nextBatch < released + 3 else {
                condition.wait()
                continue
            }
            let batch = nextBatch, slot = nextRun * Self.runLength
            let range = images(of: batch)
            if nextRun == 0 { prepare(batch) }
            nextRun += 1
            if nextRun * Self.runLength >= range.count {
                nextBatch += 1
                nextRun = 0
            }
            runsInWork += 1
            let epoch = self.epoch
            condition.unlock()
            for place in slot..<min(slot + Self.runLength, range.count) {
                let index = order[range.lowerBound + place]
                writer.write(index, to: place, of: batches[batch % 3], epoch: epoch, scratch: &scratch)
            }
            condition.lock()
            runsInWork -= 1
            pending[batch % 3] -= 1
            if pending[batch % 3] == 0 || runsInWork == 0 { condition.broadcast() }
        }
        threads -= 1
        condition.broadcast()
        condition.unlock()
    }
}
