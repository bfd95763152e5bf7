import Formats
import Tensors

/// Scales the distance from the mean: `μ + f·(x − μ)`, f drawn uniformly from `factors` and μ the image's mean.
public struct Contrast: AdjustmentKind {
    /// The lowest and highest factor, in [0, 10].
    public var factors: ClosedRange<Float> = 0.7...1.3

    /// Creates a change by factors from low to high.
    public init(factors: ClosedRange<Float> = 0.7...1.3) { self.factors = factors }

    /// `contrast`.
    public static let type = "contrast"
    /// The keys of its options.
    public static var options: Section<Contrast> {
        Section(
            initial: Contrast(),
            fields: [
                .key(
                    "factors", \.factors, .interval(.closed(0, 10)),
                    "Factors on the distance from the mean, [low, high].")
            ])
    }

    /// Stretches values about their mean.
    public func apply(to image: inout MutableSpan<Float>, _ shape: Shape, _ random: inout RandomStream) {
        Self.stretch(&image, by: random.uniform(in: factors))
    }

    /// Replaces each value x by `μ + factor·(x − μ)`, μ the mean of all values.
    static func stretch(_ image: inout MutableSpan<Float>, by factor: Float) {
        var sum = 0.0
        for i in 0..<image.count { sum += Double(image[i]) }
        let mean = Float(sum / Double(image.count))
        for i in 0..<image.count { image[i] = mean + factor * (image[i] - mean) }
    }
}
