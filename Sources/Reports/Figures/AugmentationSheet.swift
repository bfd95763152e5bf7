import Datasets
import Evaluation
import Formats
import Foundation
import Plots
import Tensors

/// Training images, unchanged and as augmented in the first epochs.
package struct AugmentationSheet: Sendable {
    static let rows = 10
    static let epochs = 8
    private static let side = 44.0

    private let images: ImageSet
    /// Indices in the training split: the first image of each of the first classes.
    private let samples: [Int]
    /// The images, `[samples, 1 + epochs]`, the unchanged one first, each as bytes `[H, W, C]`.
    private let pixels: [[UInt8]]
    private let pictures: [Data]

    /// Draws the augmentations of epochs 1 to 8 at their random addresses, so that they are exactly the images that
    /// were trained on.
    ///
    /// - Parameters:
    ///   - images: the training split, not empty.
    ///   - seed: the run's seed.
    /// - Throws: `InputError` if an option is out of range; `OperationError` if a picture cannot be encoded.
    package init(_ images: ImageSet, options: AugmentationOptions, seed: UInt64) throws {
        let augmenter = try Augmenter(
            options, height: images.height, width: images.width, channels: images.channels, seed: seed)
        var scratch = augmenter.makeScratch()
        self.images = images
        samples = (0..<images.classCount).compactMap { c in images.labels.firstIndex { Int($0) == c } }
            .prefix(Self.rows).map { $0 }
        var pixels: [[UInt8]] = []
        let output = AlignedBuffer<Float>(count: images.imageSize)
        for index in samples {
            let bytes = images.bytes(of: index)
            pixels.append(bytes)
            for epoch in 1...Self.epochs {
                output.withMutableSpan(0..<images.imageSize) {
                    augmenter.apply(bytes.span, into: &$0, epoch: epoch, sampleIndex: index, scratch: &scratch)
                }
                pixels.append(output.array.map { UInt8((min(max($0, 0), 1) * 255).rounded()) })
            }
        }
        self.pixels = pixels
        pictures = try pixels.map {
            try ImageSet.png($0, width: images.width, height: images.height, channels: images.channels)
        }
    }

    /// `augmentation.csv`: a row per picture with `sample` in the training split, `label`, `epoch` (0 for the unchanged
    /// one), and its pixels, 0 to 255, in row-major order.
    package var csv: String {
        var table = CSV(
            header: ["sample", "label", "epoch"] + (0..<images.imageSize).map { "x\($0)" },
            reservingBytes: pixels.count * images.imageSize * 4)
        for (i, values) in pixels.enumerated() {
            let sample = samples[i / (Self.epochs + 1)]
            table.add(sample)
            table.add(Int(images.labels[sample]))
            table.add(i % (Self.epochs + 1))
            for value in values { table.add(Int(value)) }
            table.endLine()
        }
        return table.text
    }

    /// `augmentation.svg`.
    package var figure: Figure {
        let names = samples.map { Text.name(images.classNames[Int(images.labels[$0])], limit: 12) }
        let labelWidth = max(40, (names.map { Figure.width(of: $0, size: 12) }.max() ?? 0) + 12)
        let pitch = Self.side + 2
        var panel = SVGDocument(
            width: labelWidth + pitch * Double(Self.epochs + 1) + 10, height: 26 + pitch * Double(samples.count),
            title: "Training images, unchanged and augmented", paper: false)
        panel.text("as is", x: labelWidth + Self.side / 2, y: 16, anchor: .middle, paint: .muted)
        panel.text("as augmented in epochs 1 to \(Self.epochs)", x: labelWidth + pitch + 8, y: 16, paint: .muted)
        for (i, picture) in pictures.enumerated() {
            let (row, column) = (i / (Self.epochs + 1), i % (Self.epochs + 1))
            let y = 24 + Double(row) * pitch
            if column == 0 {
                panel.text(names[row], x: labelWidth - 8, y: y + Self.side / 2 + 4, anchor: .end)
            }
            panel.image(
                picture, x: labelWidth + Double(column) * pitch + (column == 0 ? 0 : 8), y: y, width: Self.side,
                height: Self.side, tooltip: column == 0 ? "sample \(samples[row])" : "epoch \(column)")
        }
        return Figure(
            title: "Augmented inputs",
            subtitle: "\(samples.count) training images, and what training saw of them in its first epochs",
            panels: [panel])
    }
}
