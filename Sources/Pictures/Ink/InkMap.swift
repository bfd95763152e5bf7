import Foundation

/// The ink of a picture, found without knowledge of paper, pen or light.
///
/// 1. A plane is fitted to the paper's brightness (``PaperPlane``); the sign of the third moment of the residuals tells
/// whether ink is darker or lighter than paper.
/// 2. Pixels far from the plane are excluded, and the paper's brightness is re-estimated everywhere by interpolation
/// (``PaperEstimate``).
/// 3. The noise σ is 1.4826 times the median absolute deviation of paper. Otsu's threshold among the pixels beyond 4σ
/// separates edges from ink; the mean of the upper class is the ink's level (N. Otsu, "A threshold selection method
/// from gray-level histograms", IEEE Trans. SMC 9, 1979).
package struct InkMap {
    package let width: Int
    package let height: Int
    /// The ink, 0 paper to 1 ink and more for the darkest: `[height, width]`.
    package var ink: [Float]
    /// Whether ink is darker than paper.
    package let isDarkOnLight: Bool
    /// The standard deviation of the noise, in units of the ink's level.
    package let noise: Float

    /// The least number of ink pixels in a non-empty picture.
    private static let leastPixels = 4
    /// The least difference in grey levels between ink and paper.
    private static let leastContrast: Float = 12

    init(width: Int, height: Int, ink: [Float], isDarkOnLight: Bool, noise: Float) {
        (self.width, self.height, self.ink) = (width, height, ink)
        (self.isDarkOnLight, self.noise) = (isDarkOnLight, noise)
    }

    /// Creates the map, or returns nil if the picture is empty.
    /// - Parameter isDarkOnLight: whether ink is darker than paper; nil to detect it.
    package init?(_ image: GreyImage, isDarkOnLight known: Bool? = nil) {
        (width, height) = (image.width, image.height)
        let rough = PaperPlane.residuals(image)
        let sign: Float = known ?? (Self.thirdMoment(rough) <= 0) ? 1 : -1
        let first = rough.map { -sign * $0 }
        guard let level = Self.level(first, noise: Self.noise(first, isPaper: nil)) else { return nil }
        // Generous, so that the soft edges of strokes are not mistaken for paper.
        let reach = max(1, PaperEstimate.cellSize(image) / 2)
        let isPaper = Self.eroded(
            first.map { $0 < 0.35 * level.threshold }, width: width, height: height, reach: reach)
        let difference = PaperEstimate(image, isPaper: isPaper).difference(from: image, sign: sign)
        let sigma = Self.noise(difference, isPaper: isPaper)
        guard let level = Self.level(difference, noise: sigma) else { return nil }
        let scale = 1 / level.ink
        ink = difference.map { $0 * scale }
        noise = sigma * scale
        isDarkOnLight = sign > 0
    }

    private static func thirdMoment(_ values: [Float]) -> Double {
        var sum = 0.0
        for value in values { sum += Double(value) * Double(value) * Double(value) }
        return sum
    }

    /// Returns 1.4826 times the median magnitude, of paper alone if it is known.
    private static func noise(_ values: [Float], isPaper: [Bool]?) -> Float {
        var histogram = [Int](repeating: 0, count: 1024)
        var count = 0
        for (index, value) in values.enumerated() where isPaper?[index] ?? true {
            histogram[min(Int(abs(value) * 4), 1023)] += 1
            count += 1
        }
        guard count > 0 else { return 0 }
        var seen = 0, bin = 0
        while bin < 1023, 2 * (seen + histogram[bin]) < count {
            seen += histogram[bin]
            bin += 1
        }
        // Interpolate linearly within the bin.
        let within = Float(count) / 2 - Float(seen)
        return 1.4826 * (Float(bin) + min(max(within / Float(max(histogram[bin], 1)), 0), 1)) / 4
    }

    /// Returns Otsu's threshold among the differences beyond the noise, and the mean of those above it.
    private static func level(_ difference: [Float], noise: Float) -> (threshold: Float, ink: Float)? {
        let floor = max(leastContrast / 2, 4 * noise)
        var histogram = [Double](repeating: 0, count: 512)
        var count = 0
        for value in difference where value > floor {
            histogram[min(Int(value), 511)] += 1
            count += 1
        }
        guard count >= leastPixels else { return nil }
        let total = Double(count)
        let sum = histogram.enumerated().reduce(0) { $0 + (Double($1.offset) + 0.5) * $1.element }
        var best = (variance: -1.0, bin: 0, mean: sum / total)
        var below = 0.0, belowSum = 0.0
        for bin in 0..<511 {
            below += histogram[bin]
            belowSum += (Double(bin) + 0.5) * histogram[bin]
            guard below > 0, below < total else { continue }
            let upper = (sum - belowSum) / (total - below)
            let gap = upper - belowSum / below
            let variance = below * (total - below) * gap * gap
            if variance > best.variance { best = (variance, bin, upper) }
        }
        guard best.mean >= Double(leastContrast) else { return nil }
        return (Float(best.variance < 0 ? best.mean / 2 : Double(best.bin + 1)), Float(best.mean))
    }

    /// Returns the mask eroded by `reach` pixels along both axes.
    private static func eroded(_ mask: [Bool], width: Int, height: Int, reach: Int) -> [Bool] {
        var rows = mask
        for y in 0..<height {
            var last = -reach - 1
            for x in 0..<width {
                if !mask[y &* width &+ x] { last = x }
                if x - last <= reach { rows[y &* width &+ x] = false }
            }
            last = width + reach
            for x in stride(from: width - 1, through: 0, by: -1) {
                if !mask[y &* width &+ x] { last = x }
                if last - x <= reach { rows[y &* width &+ x] = false }
            }
        }
        var result = rows
        for x in 0..<width {
            var last = -reach - 1
            for y in 0..<height {
                if !rows[y &* width &+ x] { last = y }
                if y - last <= reach { result[y &* width &+ x] = false }
            }
            last = height + reach
            for y in stride(from: height - 1, through: 0, by: -1) {
                if !rows[y &* width &+ x] { last = y }
                if last - y <= reach { result[y &* width &+ x] = false }
            }
        }
        return result
    }
}
