import Formats
import Foundation
import Tensors

/// `x + σ·n`, n normal for each value by itself and σ drawn uniformly from 0 to `deviation`.
public struct Noise: AdjustmentKind {
    /// In [0, 1].
    public var deviation: Float = 0.1

    /// Up to `deviation`.
    public init(deviation: Float = 0.1) { self.deviation = deviation }

    /// `noise`.
    public static let type = "noise"
    /// Its keys.
    public static var options: Section<Noise> {
        Section(
            initial: Noise(),
            fields: [.key("deviation", \.deviation, .number(.closed(0, 1)), "Largest standard deviation.")])
    }

    /// Adds a normal number to each value.
    public func apply(to image: inout MutableSpan<Float>, _ shape: Shape, _ random: inout RandomStream) {
        Self.add(to: &image, deviation: deviation * random.uniform(), &random)
    }

    /// A normal number times `sigma` to each value, drawn in pairs.
    static func add(to image: inout MutableSpan<Float>, deviation sigma: Float, _ random: inout RandomStream) {
        for i in stride(from: 0, to: image.count, by: 2) {
            let (a, b) = random.normalPair()
            image[i] += sigma * Float(a)
            if i + 1 < image.count { image[i + 1] += sigma * Float(b) }
        }
    }
}
