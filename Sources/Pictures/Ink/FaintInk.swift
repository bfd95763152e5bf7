import Foundation

/// Ink that hardly stands out from the noise of the paper: the picture is smoothed until it does.
extension InkMap {
    /// The noise, in units of the ink's level, above which thresholds cut into strokes.
    private static let mostNoise: Float = 0.12
    /// The standard deviations of smoothing to try, in pixels; a thin pen in a picture of 300 pixels is 3 wide.
    private static let deviations: [Float] = [1, 2, 3]

    /// Returns the map of the unmodified picture if its ink is at least 1/0.12 times the noise; otherwise that of the
    /// least smoothed picture for which this holds; otherwise the one with the least noise. Nil if all are empty.
    ///
    /// A Gaussian of σ pixels reduces noise that is independent between pixels to `1/(2σ√π)`, and hardly affects
    /// strokes wider than that.
    package static func clearest(_ image: GreyImage) -> InkMap? {
        var best = InkMap(image)
        for deviation in deviations {
            if let best, best.noise <= mostNoise { break }
            // A picture this small has strokes only a pixel or two wide.
            guard min(image.width, image.height) >= 32 else { break }
            guard let map = InkMap(image.smoothed(deviation)) else { continue }
            if map.noise < best?.noise ?? .infinity { best = map }
        }
        return best
    }
}

extension GreyImage {
    /// Returns the image smoothed by a Gaussian of this deviation in pixels, truncated at 3σ, with edge pixels
    /// replicated beyond the border.
    func smoothed(_ deviation: Float) -> GreyImage {
        let radius = Int((3 * deviation).rounded(.up))
        let weights = (-radius...radius).map { exp(-0.5 * pow(Float($0) / deviation, 2)) }
        let sum = weights.reduce(0, +)
        let taps = weights.map { $0 / sum }
        func pass(_ values: [Float], count: Int, step: Int, starts: StrideTo<Int>) -> [Float] {
            var result = values
            for start in starts {
                for i in 0..<count {
                    var value: Float = 0
                    for k in 0...(2 * radius) {
                        value += taps[k] * values[start &+ min(max(i &+ k &- radius, 0), count &- 1) &* step]
                    }
                    result[start &+ i &* step] = value
                }
            }
            return result
        }
        let rows = pass(
            pixels.map { Float($0) }, count: width, step: 1, starts: stride(from: 0, to: width * height, by: width))
        let both = pass(rows, count: height, step: width, starts: stride(from: 0, to: width, by: 1))
        return GreyImage(width: width, height: height, pixels: both.map { UInt8(min(max($0.rounded(), 0), 255)) })
    }
}
