import Tensors
import Workers

/// A source of the batches of an epoch. Each batch may be the same object as the one before.
package protocol BatchSource: AnyObject {
    /// The number of batches per epoch.
    var batchCount: Int { get }
    /// Starts `epoch` at a batch.
    func start(epoch: Int, at batch: Int)
    /// Returns the next batch; nil at the end of the epoch.
    func next() -> Batch?
    /// Throws if an image of the last batches could not be read from its file.
    func checkReading() throws(InputError)
}

extension BatchLoader: BatchSource {}

/// A loader of batches of lines, each of one width, drawn on request by the training threads. A line depends only on
/// the seed, the epoch and its number.
package final class LineLoader: BatchSource {
    package let batchCount: Int
    private let source: any LineSource
    private let work: LineWork
    private let batchSize: Int
    private let pool: WorkerPool
    private let part: (_ count: Int) -> Range<Int>
    private var batches: [LineBatch] = []
    private var made: Int

    /// - Parameter part: Returns which lines to fill of a batch of `count`; the batch starts with them.
    package init(
        _ source: any LineSource, batchSize: Int, pool: WorkerPool,
        part: @escaping (_ count: Int) -> Range<Int> = { 0..<$0 }
    ) {
        precondition(batchSize >= 1, "LineLoader: batch size must be at least 1")
        self.source = source
        self.batchSize = min(batchSize, source.count)
        batchCount = source.batchCount(size: self.batchSize)
        // The part of a short batch may be longer than that of a whole one if parts are only a few lines.
        let capacity = (1...self.batchSize).map { part($0).count }.max() ?? 1
        work = LineWork(source, capacity: max(capacity, 1), workers: pool.threads)
        self.pool = pool
        self.part = part
        made = batchCount
    }

    package func start(epoch: Int, at batch: Int) {
        precondition(batch >= 0 && batch <= batchCount, "LineLoader: batch must be in 0...\(batchCount)")
        work.epoch = epoch
        batches = source.batches(ofEpoch: epoch, size: batchSize)
        made = batch
    }

    package func next() -> Batch? {
        guard made < batchCount else { return nil }
        let lines = batches[made].lines, own = part(lines.count)
        work.lines = Array(lines[own])
        work.batch.bucket = batches[made].bucket
        work.batch.count = own.count
        work.batch.total = lines.count
        pool.run(work, tasks: (own.count + LineWork.runLength - 1) / LineWork.runLength)
        made += 1
        return work.batch
    }

    /// Lines are composed in memory.
    package func checkReading() {}
}

/// The lines of one batch, drawn in runs that any thread may take.
private final class LineWork: ParallelWork {
    let batch: Batch
    var epoch = 0
    var lines: [Int] = []
    private let source: any LineSource
    private let scratch: [Scratch]
    static let runLength = 4

    private final class Scratch {
        var value: LineScratch
        init(_ value: LineScratch) { self.value = value }
    }

    init(_ source: any LineSource, capacity: Int, workers: Int) {
        self.source = source
        batch = Batch(
            capacity: capacity, imageSize: source.height * (source.widths.last ?? 1), places: LineOptions.mostCharacters
        )
        scratch = (0..<workers).map { _ in Scratch(source.makeScratch()) }
    }

    func run(task: Int, worker: Int) {
        let scratch = scratch[worker], size = source.height * source.widths[batch.bucket]
        for slot in task * Self.runLength..<min((task + 1) * Self.runLength, lines.count) {
            let text = source.draw(lines[slot], epoch: epoch, bucket: batch.bucket, scratch: &scratch.value)
            batch.write(text, at: slot)
            batch.images.withMutableSpan((slot * size)..<((slot + 1) * size)) { output in
                for i in 0..<size { output[i] = scratch.value.pixels[i] }
            }
        }
    }
}
