import Formats
import Tensors

extension AugmentationOptions {
    /// Random erasing: a rectangle set to zero (Zhong et al. 2017, arXiv:1708.04896).
    public struct Erasing: Hashable, Sendable {
        /// The probability of erasing in an image, 0...1.
        public var probability: Float
        /// The rectangle's share of the image's area, low...high within 0...1.
        public var area: ClosedRange<Float>
        /// The rectangle's height over its width, low...high.
        public var aspectRatio: ClosedRange<Float>

        /// Creates erasing of rectangles with these areas and aspect ratios.
        public init(
            probability: Float = 0.5, area: ClosedRange<Float> = 0.02...0.2,
            aspectRatio: ClosedRange<Float> = 0.3...3.3
        ) {
            self.probability = probability
            self.area = area
            self.aspectRatio = aspectRatio
        }
    }
}

extension AugmentationOptions.Erasing {
    /// - Throws: `InputError` naming the first option that is out of its range.
    func check() throws(InputError) {
        try AugmentationOptions.check(probability, in: 0...1, "erasing.probability")
        try AugmentationOptions.check(area, in: 0...1, "erasing.area")
        try AugmentationOptions.check(aspectRatio, in: 0.01...100, "erasing.aspectRatio")
    }
}

extension Section where Root == AugmentationOptions.Erasing {
    static var erasing: Section {
        Section(
            initial: AugmentationOptions.Erasing(),
            fields: [
                .key("probability", \.probability, .number(.closed(0, 1)), "How often a rectangle is erased."),
                .key("area", \.area, .interval(.closed(0, 1)), "Part of the image's area, [low, high]."),
                .key("aspectRatio", \.aspectRatio, .interval(.closed(0.01, 100)), "Height over width, [low, high]."),
            ])
    }
}

extension Augmenter {
    /// The number of attempts to draw a rectangle that fits.
    static let erasingAttempts = 10

    /// Sets a random rectangle to zero: draws its area and aspect ratio until it fits, at most ten times, then its
    /// position.
    func erase(
        _ erasing: AugmentationOptions.Erasing, _ stream: inout RandomStream, _ output: inout MutableSpan<Float>
    ) {
        for _ in 0..<Self.erasingAttempts {
            let area = stream.uniform(in: erasing.area) * Float(height * width)
            let ratio = stream.uniform(in: erasing.aspectRatio)
            let rows = max((area * ratio).squareRoot().rounded(), 1)
            let columns = max((area / ratio).squareRoot().rounded(), 1)
            guard rows <= Float(height), columns <= Float(width) else { continue }
            let top = stream.integer(below: height - Int(rows) + 1)
            let left = stream.integer(below: width - Int(columns) + 1)
            for y in top..<(top + Int(rows)) {
                let first = (y * width + left) * channels
                for i in first..<(first + Int(columns) * channels) { output[i] = 0 }
            }
            return
        }
    }
}
