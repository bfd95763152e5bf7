import Foundation
import Formats
import Tensors

extension AugmentationOptions {
    /// Random displacement fields smoothed by a Gaussian (Simard, Steinkraus, Platt 2003).
    public struct Elastic: Hashable, Sendable {
        /// The strength in pixels, by which the field, uniform in ±1 and then smoothed, is multiplied.
        public var alpha: Float
        /// The standard deviation of the Gaussian in pixels.
        public var sigma: Float
        /// The probability of distorting an image, 0...1.
        public var probability: Float

        /// Creates a distortion of strength `alpha` and smoothing `sigma`, both in pixels.
        public init(alpha: Float = 34, sigma: Float = 4, probability: Float = 1) {
            self.alpha = alpha
            self.sigma = sigma
            self.probability = probability
        }
    }
}

extension AugmentationOptions.Elastic {
    /// - Throws: `InputError` naming the first option that is out of its range.
    func check() throws(InputError) {
        try AugmentationOptions.check(alpha, in: 0...10_000, "elastic.alpha")
        try AugmentationOptions.check(sigma, in: 0...1_000, "elastic.sigma")
        try AugmentationOptions.check(probability, in: 0...1, "elastic.probability")
    }
}

extension Section where Root == AugmentationOptions.Elastic {
    static var elastic: Section {
        Section(
            initial: AugmentationOptions.Elastic(),
            fields: [
                .key("alpha", \.alpha, .number(.closed(0, 1000)), "Strength of the displacement, pixels."),
                .key("sigma", \.sigma, .number(.closed(0.5, 32)), "Deviation of the smoothing Gaussian, pixels."),
                .key("probability", \.probability, .number(.closed(0, 1)), "How often an image is distorted."),
            ])
    }
}

/// Elastic distortion. The formula is at ``Augmenter``.
extension Augmenter {
    /// Returns `exp(−d²/2σ²)` for d = 0, 1, …, up to `radius`, divided by the sum over all distances up to 4σ either
    /// way.
    static func gaussian(_ sigma: Float, radius: Int) -> [Float] {
        let reach = max(Int((4 * Double(sigma)).rounded()), 0)
        let values = (0...reach).map { sigma > 0 ? exp(-0.5 * Double($0 * $0) / Double(sigma * sigma)) : 1 }
        let sum = 2 * values.reduce(0, +) - values[0]
        return values.prefix(radius + 1).map { Float($0 / sum) }
    }

    /// Draws the field U.
    func draw(_ buffer: inout [Float], _ address: RandomAddress) {
        var field = buffer.mutableSpan
        for block in 0..<(field.count / 4) {
            let words = address.block(Self.fieldBlock &+ UInt32(truncatingIfNeeded: block))
            for lane in 0..<4 { field[4 &* block &+ lane] = Float(words[lane] >> 8) * 0x1p-23 - 1 }
        }
    }

    /// Smooths the field U along rows, then along columns, and multiplies it by `scale`.
    func smooth(
        _ source: [Float], rows rowBuffer: inout [SIMD16<Float>], into output: inout [SIMD16<Float>], scale: Float
    ) {
        let field = source.span
        let half = field.count / 2
        let radius = gaussian.count - 1
        let taps = gaussian.span, table = gaussianLanes.span
        var rows = rowBuffer.mutableSpan
        for y in 0..<height {
            for v in 0..<vectors {
                var sumX = SIMD16<Float>(), sumY = SIMD16<Float>()
                let first = max(16 * v - radius, 0), end = min(16 * v + 16 + radius, width)
                var entry = 16 * v - first + width - 1
                for i in (y * width + first)..<(y * width + end) {
                    let weights = table[entry]
                    sumX += weights * field[i]
                    sumY += weights * field[half &+ i]
                    entry &-= 1
                }
                rows[2 * (y * vectors + v)] = sumX
                rows[2 * (y * vectors + v) + 1] = sumY
            }
        }
        var displacements = output.mutableSpan
        let pitch = 2 * vectors
        for y in 0..<height {
            for column in 0..<pitch {
                var sum = SIMD16<Float>()
                for k in max(y - radius, 0)..<min(y + radius + 1, height) {
                    sum += rows[k &* pitch &+ column] * taps[abs(k &- y)]
                }
                displacements[y &* pitch &+ column] = sum * scale
            }
        }
    }
}
