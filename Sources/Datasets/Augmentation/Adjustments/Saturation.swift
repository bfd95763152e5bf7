import Formats
import Tensors

/// Scales the distance from grey: `l + f·(x − l)` in each channel, f drawn uniformly from `factors` and l the pixel's
/// luma `0.299·R + 0.587·G + 0.114·B` (Rec. 601); f = 0 makes the image grey. For images of three channels.
public struct Saturation: AdjustmentKind {
    /// The lowest and highest factor, in [0, 10].
    public var factors: ClosedRange<Float> = 0.7...1.3

    /// Creates a change by factors from low to high.
    public init(factors: ClosedRange<Float> = 0.7...1.3) { self.factors = factors }

    /// `saturation`.
    public static let type = "saturation"
    /// The keys of its options.
    public static var options: Section<Saturation> {
        Section(
            initial: Saturation(),
            fields: [
                .key("factors", \.factors, .interval(.closed(0, 10)), "Factors on the distance from grey, [low, high].")
            ])
    }

    /// Requires images of three channels.
    public func obstacle(_ shape: Shape) -> String? {
        shape.channels == 3 ? nil : "images of three channels, red, green and blue"
    }

    /// Moves colours away from grey or towards it.
    public func apply(to image: inout MutableSpan<Float>, _ shape: Shape, _ random: inout RandomStream) {
        let factor = random.uniform(in: factors)
        for pixel in stride(from: 0, to: image.count, by: 3) {
            let light = 0.299 * image[pixel] + 0.587 * image[pixel + 1] + 0.114 * image[pixel + 2]
            for c in pixel..<pixel + 3 { image[c] = light + factor * (image[c] - light) }
        }
    }
}
