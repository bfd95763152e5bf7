import Tensors
import Workers

/// Where the batches of an epoch come from. The next one may be the same object as the one before.
package protocol BatchSource: AnyObject {
    /// Batches of an epoch.
    var batchCount: Int { get }
    /// Begins `epoch` at a batch.
    func start(epoch: Int, at batch: Int)
    /// Nil at the end of the epoch.
    func next() -> Batch?
}

extension BatchLoader: BatchSource {}

/// Batches of lines, composed by the threads that train when they are asked for, each batch of one width. What a line is
/// depends only on the seed, the epoch and its number.
package final class LineLoader: BatchSource {
    package let batchCount: Int
    private let composer: LineComposer
    private let work: LineWork
    private let batchSize: Int
    private let count: Int
    private let pool: WorkerPool
    private let part: (_ count: Int) -> Range<Int>
    private var made: Int
    private var epoch = 0

    /// - Parameter part: the lines to fill of a batch of so many; they begin the batch.
    package init(
        _ composer: LineComposer, batchSize: Int, pool: WorkerPool,
        part: @escaping (_ count: Int) -> Range<Int> = { 0..<$0 }
    ) {
        precondition(batchSize >= 1, "LineLoader: batch size must be at least 1")
        self.composer = composer
        count = composer.data.options.count
        self.batchSize = min(batchSize, count)
        batchCount = (count + self.batchSize - 1) / self.batchSize
        let last = count - (batchCount - 1) * self.batchSize
        work = LineWork(
            composer, capacity: max(part(self.batchSize).count, part(last).count, 1), workers: pool.threads)
        self.pool = pool
        self.part = part
        made = batchCount
    }

    package func start(epoch: Int, at batch: Int) {
        precondition(batch >= 0 && batch <= batchCount, "LineLoader: batch must be in 0...\(batchCount)")
        self.epoch = epoch
        made = batch
    }

    package func next() -> Batch? {
        guard made < batchCount else { return nil }
        let first = made * batchSize, total = min(batchSize, count - first), own = part(total)
        work.lines = first + own.lowerBound..<first + own.upperBound
        work.epoch = epoch
        work.batch.bucket = composer.bucket(ofBatch: made, epoch: epoch)
        work.batch.count = own.count
        work.batch.total = total
        pool.run(work, tasks: (own.count + LineWork.runLength - 1) / LineWork.runLength)
        made += 1
        return work.batch
    }
}

/// Lines of one batch, composed in runs that any thread may take.
private final class LineWork: ParallelWork {
    let batch: Batch
    var epoch = 0
    var lines = 0..<0
    private let composer: LineComposer
    private let scratch: [Scratch]
    static let runLength = 4

    private final class Scratch {
        var value: LineComposer.Scratch
        init(_ value: LineComposer.Scratch) { self.value = value }
    }

    init(_ composer: LineComposer, capacity: Int, workers: Int) {
        self.composer = composer
        batch = Batch(
            capacity: capacity, imageSize: composer.data.height * (composer.data.widths.last ?? 1),
            places: LineOptions.mostCharacters)
        scratch = (0..<workers).map { _ in Scratch(composer.makeScratch()) }
    }

    func run(task: Int, worker: Int) {
        let scratch = scratch[worker], size = composer.data.height * composer.data.widths[batch.bucket]
        for slot in task * Self.runLength..<min((task + 1) * Self.runLength, lines.count) {
            let text = composer.draw(
                lines.lowerBound + slot, epoch: epoch, bucket: batch.bucket, scratch: &scratch.value)
            batch.write(text, at: slot)
            batch.images.withMutableSpan((slot * size)..<((slot + 1) * size)) { output in
                for i in 0..<size { output[i] = scratch.value.pixels[i] }
            }
        }
    }
}
