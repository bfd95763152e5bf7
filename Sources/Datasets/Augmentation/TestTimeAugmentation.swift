import Formats
import Tensors
import Workers

/// Views of an image whose class probabilities are averaged: the image itself and, for each option that is not zero,
/// the image shifted along each axis (four views), rotated (two) or scaled (two), either way; with ``horizontalFlip``
/// all of them mirrored too. 18 views at most.
///
/// `p̄ = Σ_v p(view_v(x)) / V`. The list is fixed; nothing is random. The warp is that of ``AugmentationOptions``
/// (about the centre, bilinear, zero outside), so a shift by whole pixels is exact. Source: A. Krizhevsky, I.
/// Sutskever, G. E. Hinton, "ImageNet classification with deep convolutional neural networks", NIPS 2012, section 4.1.
package struct TestTimeAugmentation: Hashable, Sendable {
    /// The shift in pixels, 0...1024.
    package var translation: Float
    /// The rotation in degrees, 0...180.
    package var rotation: Float
    /// The s of the factors 1 − s and 1 + s, 0...0.9.
    package var scale: Float

    /// Whether to add each view mirrored left to right.
    package var horizontalFlip: Bool

    package init(translation: Float = 0, rotation: Float = 0, scale: Float = 0, horizontalFlip: Bool = false) {
        self.translation = translation
        self.rotation = rotation
        self.scale = scale
        self.horizontalFlip = horizontalFlip
    }

    /// The views in order: the image itself first, mirrored ones last.
    var maps: [Augmenter.Map] {
        horizontalFlip ? maps(isMirrored: false) + maps(isMirrored: true) : maps(isMirrored: false)
    }

    private func maps(isMirrored: Bool) -> [Augmenter.Map] {
        func map(rotation: Float = 0, scale: Float = 1, x: Float = 0, y: Float = 0) -> Augmenter.Map {
            Augmenter.Map(
                rotation: rotation, scale: scale, shear: 0, shiftX: x, shiftY: y, isMirrored: isMirrored)
        }
        var maps = [map()]
        if translation != 0 {
            maps += [(-translation, 0), (translation, 0), (0, -translation), (0, translation)].map { map(x: $0, y: $1) }
        }
        if rotation != 0 { maps += [map(rotation: -rotation), map(rotation: rotation)] }
        if scale != 0 { maps += [map(scale: 1 - scale), map(scale: 1 + scale)] }
        return maps
    }

    /// The number of views, including the image itself.
    package var viewCount: Int { maps.count }
}

/// Images of a set under the views of a ``TestTimeAugmentation``, batch by batch for a network.
package final class ImageViews: ParallelWork {
    private let data: ImageSet
    private let maps: [Augmenter.Map]
    private let warp: Augmenter
    private let normalization: (mean: Float, standardDeviation: Float)?
    private let pool: WorkerPool
    private var target: AlignedBuffer<Float>?
    private var range = 0..<0
    private var view = 0
    /// The number of images per task.
    private static let runLength = 16

    /// - Parameter normalization: The mean and the deviation > 0 to standardise by, after the warp; nil leaves [0, 1].
    /// - Throws: `InputError` if images are larger than ``Augmenter`` accepts.
    package init(
        _ data: ImageSet, _ augmentation: TestTimeAugmentation,
        normalization: (mean: Float, standardDeviation: Float)?, pool: WorkerPool
    ) throws(InputError) {
        self.data = data
        maps = augmentation.maps
        warp = try Augmenter(
            AugmentationOptions(), height: data.height, width: data.width, channels: data.channels, seed: 0)
        self.normalization = normalization
        self.pool = pool
    }

    package var count: Int { maps.count }

    /// Writes view `view` of the images in `range` to the start of `batch`, `[count, H, W, C]`.
    /// - Precondition: `view` is below ``count``, `range` lies within the data, and `batch` is long enough.
    package func fill(_ batch: AlignedBuffer<Float>, range: Range<Int>, view: Int) {
        precondition(maps.indices.contains(view), "ImageViews: there are \(maps.count) views")
        precondition(range.lowerBound >= 0 && range.upperBound <= data.count, "ImageViews: range out of the data")
        precondition(batch.count >= range.count * data.imageSize, "ImageViews: the batch is too short")
        target = batch
        self.range = range
        self.view = view
        pool.run(self, tasks: (range.count + Self.runLength - 1) / Self.runLength)
        target = nil
    }

    package func run(task: Int, worker: Int) {
        guard let target else { return }
        let size = data.imageSize, map = maps[view]
        let first = range.lowerBound + task * Self.runLength
        var bytes: [UInt8] = []
        var padded = [Float](repeating: 0, count: (data.height + 2) * (data.width + 2) * data.channels)
        for index in first..<min(first + Self.runLength, range.upperBound) {
            let slot = index - range.lowerBound
            target.withMutableSpan((slot * size)..<((slot + 1) * size)) { output in
                data.withBytes(of: index, &bytes) { image in
                    warp.resample(image, map, displacements: [], padded: &padded, into: &output)
                }
                if let (mean, deviation) = normalization {
                    for i in 0..<size { output[i] = (output[i] - mean) / deviation }
                }
            }
        }
    }
}

extension Section where Root == TestTimeAugmentation {
    package static var testTimeAugmentation: Section {
        Section(
            initial: TestTimeAugmentation(),
            fields: [
                .key(
                    "translation", \.translation, .number(.closed(0, 1024)),
                    "Four more views, shifted by this either way along each axis, pixels; 0: none."),
                .key(
                    "rotation", \.rotation, .number(.closed(0, 180)),
                    "Two more views, turned by this either way, degrees; 0: none."),
                .key(
                    "scale", \.scale, .number(.closed(0, 0.9)),
                    "Two more views, scaled by 1 − s and 1 + s; 0: none."),
                .key("horizontalFlip", \.horizontalFlip, .boolean, "Each view mirrored too, left for right."),
            ])
    }
}
