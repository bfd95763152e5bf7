import Formats
import Foundation
import Tensors

/// Convolution with a Gaussian of standard deviation σ pixels, drawn uniformly from 0 to `deviation`, truncated at 3σ
/// and normalised to sum 1. Edge pixels are replicated beyond the border.
public struct Blur: AdjustmentKind {
    /// The largest standard deviation in pixels, in [0, 10].
    public var deviation: Float = 1

    /// Creates a blur of up to `deviation` pixels.
    public init(deviation: Float = 1) { self.deviation = deviation }

    /// `blur`.
    public static let type = "blur"
    /// The keys of its options.
    public static var options: Section<Blur> {
        Section(
            initial: Blur(),
            fields: [.key("deviation", \.deviation, .number(.closed(0, 10)), "Largest standard deviation, pixels.")])
    }

    /// Blurs along rows, then along columns.
    public func apply(to image: inout MutableSpan<Float>, _ shape: Shape, _ random: inout RandomStream) {
        let sigma = deviation * random.uniform()
        let radius = Int((3 * sigma).rounded(.up))
        guard radius > 0, sigma > 0 else { return }
        var weights = (-radius...radius).map { exp(-0.5 * pow(Float($0) / sigma, 2)) }
        let total = weights.reduce(0, +)
        for i in weights.indices { weights[i] /= total }
        var line = [Float](repeating: 0, count: max(shape.height, shape.width))
        for c in 0..<shape.channels {
            for row in 0..<shape.height {
                smooth(
                    &image, from: row * shape.width * shape.channels + c, shape.width, shape.channels, weights, &line)
            }
            for column in 0..<shape.width {
                smooth(
                    &image, from: column * shape.channels + c, shape.height, shape.width * shape.channels, weights,
                    &line)
            }
        }
    }

    /// Smooths `count` values that are `step` elements apart.
    private func smooth(
        _ image: inout MutableSpan<Float>, from first: Int, _ count: Int, _ step: Int, _ weights: [Float],
        _ line: inout [Float]
    ) {
        let radius = weights.count / 2
        for i in 0..<count { line[i] = image[first + i * step] }
        for i in 0..<count {
            var sum: Float = 0
            for k in -radius...radius { sum += weights[k + radius] * line[min(max(i + k, 0), count - 1)] }
            image[first + i * step] = sum
        }
    }
}
