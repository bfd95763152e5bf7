import Tensors

/// Images and labels for one step. The last batch of an epoch may be short: only the first ``count`` images are its.
package final class Batch: @unchecked Sendable {
    // Sendable by contract: its loader's workers write disjoint images, and its reader comes after them.

    /// Pixels, `[capacity, H, W, C]` in row-major order.
    package let images: AlignedBuffer<Float>
    /// Classes, `[capacity]`.
    package let labels: AlignedBuffer<Int32>
    /// How many images are in it, at most ``capacity``.
    package internal(set) var count = 0
    package let capacity: Int

    /// - Precondition: `capacity` and `imageSize` at least 1.
    package init(capacity: Int, imageSize: Int) {
        precondition(capacity >= 1 && imageSize >= 1, "Batch: capacity and image size must be at least 1")
        self.capacity = capacity
        images = AlignedBuffer(count: capacity * imageSize)
        labels = AlignedBuffer(count: capacity)
    }
}

/// Turns images of one set into floats for the network, augmented or not.
///
/// A byte b becomes `x = Float(b) / 255`; then, where it distorts, the augmenter's image; then, where it standardises,
/// `(x − μ) / σ`, so that what augmentation brings in from outside is `(0 − μ) / σ`.
struct ImageWriter: Sendable {
    let data: ImageSet
    let normalization: (mean: Float, standardDeviation: Float)?
    let augmenter: Augmenter?
    /// What each byte becomes without augmentation.
    private let values: [Float]

    init(
        _ data: ImageSet, normalization: (mean: Float, standardDeviation: Float)?, augmenter: Augmenter?
    ) {
        self.data = data
        self.normalization = normalization
        self.augmenter = augmenter.flatMap { $0.options.isIdentity ? nil : $0 }
        values = (0..<256).map { byte in
            let x = Float(byte) / 255
            return normalization.map { (x - $0.mean) / $0.standardDeviation } ?? x
        }
    }

    /// What a thread needs to write augmented images.
    func makeScratch() -> Augmenter.Scratch { augmenter?.makeScratch() ?? .none }

    /// Writes image `index` to place `slot` of `batch`, augmented for `epoch` where there is an augmenter.
    func write(_ index: Int, to slot: Int, of batch: Batch, epoch: Int, scratch: inout Augmenter.Scratch) {
        let size = data.imageSize
        batch.labels[slot] = Int32(data.labels[index])
        let image = data.images.span.extracting((index * size)..<((index + 1) * size))
        batch.images.withMutableSpan((slot * size)..<((slot + 1) * size)) { output in
            guard let augmenter else {
                let values = self.values.span
                for i in 0..<size { output[i] = values[Int(image[i])] }
                return
            }
            augmenter.apply(image, into: &output, epoch: epoch, sampleIndex: index, scratch: &scratch)
            if let (mean, standardDeviation) = normalization {
                for i in 0..<size { output[i] = (output[i] - mean) / standardDeviation }
            }
        }
    }
}
