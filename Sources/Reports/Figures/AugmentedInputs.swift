import Datasets
import Pictures
import Tensors

/// A sheet of training images as they appear in an epoch.
package enum AugmentedInputs {
    /// Returns the first `columns`² images of `images` in rows, augmented as in epoch `epoch` of a run with this seed,
    /// and separated by one pixel of grey. Images of three channels are taken as RGB; of others, the first channel is
    /// shown.
    /// - Throws: `InputError` if the options do not fit the images.
    package static func png(
        _ images: ImageSet, options: AugmentationOptions, seed: UInt64, epoch: Int = 1, columns: Int = 8
    ) throws(InputError) -> PNG {
        precondition(columns >= 1 && images.count >= 1, "AugmentedInputs: no images")
        let augmenter = try Augmenter(
            options, height: images.height, width: images.width, channels: images.channels, seed: seed)
        var scratch = augmenter.makeScratch()
        let shown = min(columns * columns, images.count)
        let colour = images.channels == 3 ? PNG.Colour.rgb : .grey
        let width = columns * (images.width + 1) - 1
        let height = (shown + columns - 1) / columns * (images.height + 1) - 1
        var pixels = [UInt8](repeating: 96, count: width * height * colour.rawValue)
        var output = [Float](repeating: 0, count: images.imageSize)
        for index in 0..<shown {
            var span = output.mutableSpan
            augmenter.apply(
                images.bytes(of: index).span, into: &span, epoch: epoch, sampleIndex: index, scratch: &scratch)
            let left = index % columns * (images.width + 1), top = index / columns * (images.height + 1)
            for y in 0..<images.height {
                for x in 0..<images.width {
                    for c in 0..<colour.rawValue {
                        let value = output[(y * images.width + x) * images.channels + c]
                        pixels[((top + y) * width + left + x) * colour.rawValue + c] = UInt8(
                            (min(max(value, 0), 1) * 255).rounded())
                    }
                }
            }
        }
        return PNG(width: width, height: height, colour: colour, pixels: pixels)
    }
}
