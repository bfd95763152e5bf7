import Formats
import Tensors

/// `μ + f·(x − μ)`, f drawn uniformly from `factors` and μ the image's mean.
public struct Contrast: AdjustmentKind {
    /// Low and high, in [0, 10].
    public var factors: ClosedRange<Float> = 0.7...1.3

    /// Factors from low to high.
    public init(factors: ClosedRange<Float> = 0.7...1.3) { self.factors = factors }

    /// `contrast`.
    public static let type = "contrast"
    /// Its keys.
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

    /// `μ + factor·(x − μ)`.
    static func stretch(_ image: inout MutableSpan<Float>, by factor: Float) {
        var sum = 0.0
        for i in 0..<image.count { sum += Double(image[i]) }
        let mean = Float(sum / Double(image.count))
        for i in 0..<image.count { image[i] = mean + factor * (image[i] - mean) }
    }
}
