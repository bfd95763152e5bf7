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
        let sigma = deviation * random.uniform()
        for i in stride(from: 0, to: image.count, by: 2) {
            let (a, b) = random.normalPair()
            image[i] += sigma * Float(a)
            if i + 1 < image.count { image[i + 1] += sigma * Float(b) }
        }
    }
}
