import Formats
import Foundation
import Tensors

/// Gaussian noise: `x + σ·n`, n standard normal and independent for each value, σ drawn uniformly from 0 to
/// `deviation`.
public struct Noise: AdjustmentKind {
    /// The largest standard deviation, in [0, 1].
    public var deviation: Float = 0.1

    /// Creates noise with a standard deviation of up to `deviation`.
    public init(deviation: Float = 0.1) { self.deviation = deviation }

    /// `noise`.
    public static let type = "noise"
    /// The keys of its options.
    public static var options: Section<Noise> {
        Section(
            initial: Noise(),
            fields: [.key("deviation", \.deviation, .number(.closed(0, 1)), "Largest standard deviation.")])
    }

    /// Adds a normal random number to each value.
    public func apply(to image: inout MutableSpan<Float>, _ shape: Shape, _ random: inout RandomStream) {
        Self.add(to: &image, deviation: deviation * random.uniform(), &random)
    }

    /// Adds `sigma` times a standard normal number to each value; the numbers are drawn in pairs.
    static func add(to image: inout MutableSpan<Float>, deviation sigma: Float, _ random: inout RandomStream) {
        for i in stride(from: 0, to: image.count, by: 2) {
            let (a, b) = random.normalPair()
            image[i] += sigma * Float(a)
            if i + 1 < image.count { image[i + 1] += sigma * Float(b) }
        }
    }
}
