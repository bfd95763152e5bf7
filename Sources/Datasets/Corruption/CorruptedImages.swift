import Tensors
import Workers

/// Images of a set under a ``Corruption``, batch by batch for a network: the same bits for any number of threads.
package final class CorruptedImages: ParallelWork {
    private let data: ImageSet
    private let corruption: Corruption
    private let normalization: (mean: Float, standardDeviation: Float)?
    private let pool: WorkerPool
    /// The batch being filled.
    private var target: AlignedBuffer<Float>?
    private var range = 0..<0
    /// The number of images per task.
    private static let runLength = 16

    /// - Parameters:
    ///   - corruption: A corruption for images of this size.
    ///   - normalization: The mean and the deviation > 0 to standardise by, after the corruption; nil leaves [0, 1].
    package init(
        _ data: ImageSet, corruption: Corruption, normalization: (mean: Float, standardDeviation: Float)?,
        pool: WorkerPool
    ) {
        self.data = data
        self.corruption = corruption
        self.normalization = normalization
        self.pool = pool
    }

    /// Writes the images in `range` to the start of `batch`, `[count, H, W, C]`.
    /// - Precondition: `range` lies within the data, and `batch` is long enough.
    package func fill(_ batch: AlignedBuffer<Float>, range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= data.count, "CorruptedImages: range out of the data")
        precondition(batch.count >= range.count * data.imageSize, "CorruptedImages: the batch is too short")
        target = batch
        self.range = range
        pool.run(self, tasks: (range.count + Self.runLength - 1) / Self.runLength)
        target = nil
    }

    package func run(task: Int, worker: Int) {
        guard let target else { return }
        let size = data.imageSize
        let first = range.lowerBound + task * Self.runLength
        var bytes: [UInt8] = []
        var scratch = corruption.makeScratch()
        for index in first..<min(first + Self.runLength, range.upperBound) {
            let slot = index - range.lowerBound
            target.withMutableSpan((slot * size)..<((slot + 1) * size)) { output in
                data.withBytes(of: index, &bytes) { image in
                    corruption.apply(image, into: &output, sampleIndex: index, scratch: &scratch)
                }
                if let (mean, deviation) = normalization {
                    for i in 0..<size { output[i] = (output[i] - mean) / deviation }
                }
            }
        }
    }
}
