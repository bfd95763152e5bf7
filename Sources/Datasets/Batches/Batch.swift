import Tensors

/// A batch of images and labels for one step. The last batch of an epoch may be short: only the first ``count`` images
/// are valid.
package final class Batch: @unchecked Sendable {
    // Sendable by contract: the threads that fill it write disjoint images, and it is read only after they have
    // finished.

    /// Pixels, `[capacity, H, W, C]` in row-major order.
    package let images: AlignedBuffer<Float>
    /// Classes, `[capacity]`; for lines of text, `[capacity, places]`.
    package let labels: AlignedBuffer<Int32>
    /// For lines of text, the number of classes in each, `[capacity]`; nil for images.
    package let lengths: AlignedBuffer<Int32>?
    /// For lines of text, the index of the width that all of them have.
    package internal(set) var bucket = 0
    /// If images are mixed, the classes of those mixed in, `[capacity]`, and the shares of ``labels``, `[capacity]`.
    package let otherLabels: AlignedBuffer<Int32>
    package let labelShares: AlignedBuffer<Float>
    /// For images with several labels, the classes of each as bits, `[capacity]`.
    package internal(set) var labelSets: AlignedBuffer<UInt64>?
    /// The factors on the images' losses, `[capacity]`; nil if all are 1.
    package internal(set) var weights: AlignedBuffer<Float>?
    /// Whether ``otherLabels`` and ``labelShares`` are valid.
    package internal(set) var isMixed = false
    /// The number of images in the batch, at most ``capacity``.
    package internal(set) var count = 0
    /// The number of images in the whole batch, of which its loader may fill only a part.
    package internal(set) var total = 0
    package let capacity: Int

    /// - Parameter places: For lines of text, the largest number of classes in one; nil for images.
    /// - Precondition: `capacity` and `imageSize` are at least 1.
    package init(capacity: Int, imageSize: Int, places: Int? = nil) {
        precondition(capacity >= 1 && imageSize >= 1, "Batch: capacity and image size must be at least 1")
        self.capacity = capacity
        images = AlignedBuffer(count: capacity * imageSize)
        labels = AlignedBuffer(count: capacity * (places ?? 1))
        lengths = places.map { _ in AlignedBuffer(count: capacity) }
        otherLabels = AlignedBuffer(count: capacity)
        labelShares = AlignedBuffer(count: capacity)
    }

    /// Makes room for what the images of `set` have beside one class each.
    func addTargets(of set: ImageSet) {
        if set.labelSets != nil { labelSets = AlignedBuffer(count: capacity) }
        if set.weights != nil { weights = AlignedBuffer(count: capacity) }
    }

    /// Writes the text of a line to its slot.
    func write(_ text: [UInt8], at slot: Int) {
        let places = labels.count / capacity
        precondition(text.count <= places, "Batch: a text is too long")
        for (place, label) in text.enumerated() { labels[slot * places + place] = Int32(label) }
        lengths?[slot] = Int32(text.count)
    }
}

/// Converts images of one set into floats for the network, augmented or not.
///
/// A byte b becomes `x = Float(b) / 255`, and a number stays as it is. Augmentation, if any, comes next, then mixing,
/// then normalisation by `(x − μ) / σ`, if any; so what augmentation pads from outside the image becomes `(0 − μ) / σ`.
package struct ImageWriter: Sendable {
    let data: ImageSet
    let normalization: (mean: Float, standardDeviation: Float)?
    let augmenter: Augmenter?
    let mixing: Mixing?
    /// Downscales images as the last step; nil keeps their size.
    let resize: ImageResize?
    /// The network's input for each byte value, without augmentation.
    private let values: [Float]

    init(
        _ data: ImageSet, normalization: (mean: Float, standardDeviation: Float)?, augmenter: Augmenter?,
        resize: ImageResize? = nil
    ) {
        self.resize = resize
        self.data = data
        self.normalization = normalization
        let active = augmenter.flatMap { $0.options.isIdentity ? nil : $0 }
        self.augmenter = active
        mixing = active.flatMap {
            Mixing(
                $0.options, height: data.height, width: data.width, channels: data.channels, count: data.count,
                seed: $0.seed)
        }
        values = Self.values(normalization)
    }

    /// Returns the network's input for each byte value, without augmentation.
    package static func values(_ normalization: (mean: Float, standardDeviation: Float)?) -> [Float] {
        (0..<256).map { byte in
            let x = Float(byte) / 255
            return normalization.map { (x - $0.mean) / $0.standardDeviation } ?? x
        }
    }

    /// Makes the working memory that one thread needs to write augmented images.
    func makeScratch() -> Scratch {
        Scratch(
            augmenter: augmenter?.makeScratch() ?? .none,
            partner: [Float](repeating: 0, count: mixing == nil ? 0 : data.imageSize),
            whole: [Float](repeating: 0, count: resize == nil ? 0 : data.imageSize))
    }

    struct Scratch: Sendable {
        fileprivate var augmenter: Augmenter.Scratch
        /// The image that is mixed in.
        fileprivate var partner: [Float]
        /// The image before it is downscaled.
        fileprivate var whole: [Float]
        /// The image's bytes, if they are read from a file.
        fileprivate var bytes: [UInt8] = []
    }

    /// The number of values of an image as written.
    var outputSize: Int { resize.map { $0.height * $0.width * data.channels } ?? data.imageSize }

    /// Writes image `index` to slot `slot` of `batch`, augmented for `epoch` if there is an augmenter.
    func write(_ index: Int, to slot: Int, of batch: Batch, epoch: Int, scratch: inout Scratch) {
        let size = outputSize
        batch.labels[slot] = Int32(data.labels[index])
        if let sets = data.labelSets { batch.labelSets?[slot] = sets[index] }
        if let weights = data.weights { batch.weights?[slot] = weights[index] }
        batch.images.withMutableSpan((slot * size)..<((slot + 1) * size)) { output in
            guard let resize else { return write(index, slot, batch, into: &output, epoch: epoch, &scratch) }
            var whole: [Float] = []
            swap(&whole, &scratch.whole)
            var span = whole.mutableSpan
            write(index, slot, batch, into: &span, epoch: epoch, &scratch)
            resize.apply(span.span, into: &output)
            swap(&whole, &scratch.whole)
        }
    }

    /// Writes the image at its original size to `output`.
    private func write(
        _ index: Int, _ slot: Int, _ batch: Batch, into output: inout MutableSpan<Float>, epoch: Int,
        _ scratch: inout Scratch
    ) {
        let size = data.imageSize
        if let augmenter {
            distort(index, augmenter, into: &output, epoch: epoch, &scratch)
        } else if let numbers = data.numbers {
            let image = numbers.span.extracting((index * size)..<((index + 1) * size))
            for i in 0..<size { output[i] = image[i] }
        } else {
            let values = self.values.span
            data.withBytes(of: index, &scratch.bytes) { image in
                for i in 0..<size { output[i] = values[Int(image[i])] }
            }
            return
        }
        if let mixing, let augmenter { mix(mixing, augmenter, index, slot, batch, &output, epoch: epoch, &scratch) }
        if let (mean, standardDeviation) = normalization {
            for i in 0..<size { output[i] = (output[i] - mean) / standardDeviation }
        }
    }

    /// Writes image `index`, augmented and in [0, 1], to `output`.
    private func distort(
        _ index: Int, _ augmenter: Augmenter, into output: inout MutableSpan<Float>, epoch: Int,
        _ scratch: inout Scratch
    ) {
        if let numbers = data.numbers {
            let range = (index * data.imageSize)..<((index + 1) * data.imageSize)
            augmenter.apply(
                numbers.span.extracting(range), into: &output, epoch: epoch, sampleIndex: index,
                scratch: &scratch.augmenter)
        } else {
            var bytes: [UInt8] = []
            swap(&bytes, &scratch.bytes)
            data.withBytes(of: index, &bytes) { image in
                augmenter.apply(
                    image, into: &output, epoch: epoch, sampleIndex: index, scratch: &scratch.augmenter)
            }
            swap(&bytes, &scratch.bytes)
        }
    }

    /// Mixes another image into `output`, and records its label and the shares in `batch`.
    private func mix(
        _ mixing: Mixing, _ augmenter: Augmenter, _ index: Int, _ slot: Int, _ batch: Batch,
        _ output: inout MutableSpan<Float>, epoch: Int, _ scratch: inout Scratch
    ) {
        guard let draw = mixing.draw(epoch: epoch, sampleIndex: index) else {
            batch.otherLabels[slot] = batch.labels[slot]
            batch.labelShares[slot] = 1
            return
        }
        var pixels: [Float] = []
        swap(&pixels, &scratch.partner)
        defer { swap(&pixels, &scratch.partner) }
        var partner = pixels.mutableSpan
        distort(draw.partner, augmenter, into: &partner, epoch: epoch, &scratch)
        mixing.apply(draw, partner.span, into: &output)
        batch.otherLabels[slot] = Int32(data.labels[draw.partner])
        batch.labelShares[slot] = draw.share
        if let weights = data.weights {
            // λ·w₁·loss₁ + (1 − λ)·w₂·loss₂, so that what has no weight teaches nothing.
            let own = draw.share * weights[index], weight = own + (1 - draw.share) * weights[draw.partner]
            batch.weights?[slot] = weight
            if weight > 0 { batch.labelShares[slot] = own / weight }
        }
    }
}
