import Foundation

/// Uneven light on paper, as of a lamp, or with the shadow of a hand.
///
/// Light multiplies: under half the light, ink stands out from its paper by half as many grey levels, and with one level
/// for the whole picture it is lost. A picture whose light differs by more than a quarter is therefore divided by it.
///
/// The light is the median of each cell of ``PaperEstimate``, closed (the least of the greatest) over 11×11 cells,
/// so that writing does not count, and the mean of 3×3 of them. Chalk on a board is left alone: writing is dark if the
/// logarithms' differences from their surroundings have a negative third moment.
extension GreyImage {
    /// The least width and height; smaller pictures have no light of their own.
    private static let leastSide = 48
    /// The number of cells from the middle of the closing's square to its sides: wider than strokes, narrower than
    /// shadows.
    private static let reach = 5
    /// The share of the brightest light up to which it counts as even.
    private static let evenShare: Float = 0.75
    /// The light below which differences are magnified no further, relative to the brightest: noise is all there is.
    private static let leastShare: Float = 0.2
    /// How much darker than its light a pixel of paper is at most, relative to it.
    private static let paperShare: Float = 0.15
    /// The least share of pixels that are paper.
    private static let leastPaper = 0.6

    /// Returns the picture as it would be under even light; nil if its light is even, or if it does not look like dark
    /// writing on light paper. Bold light writing may look so too: what is read tells.
    package func underEvenLight() -> GreyImage? {
        guard min(width, height) >= Self.leastSide else { return nil }
        let cells = PaperEstimate.Cells(self), levels = cells.quantiles(of: self, 0.5)
        let light = Self.light(cells, levels.map { Float($0) })
        let sorted = light.sorted()
        let brightest = sorted[sorted.count * 19 / 20], darkest = sorted[sorted.count / 20]
        guard darkest < Self.evenShare * brightest, isDarkOnLight else { return nil }
        let difference = PaperEstimate(cells, levels: light).difference(from: self, sign: 1)
        // How much darker than its paper each pixel would be under the brightest light.
        let ink = zip(difference, pixels).map { difference, level in
            difference * brightest / max(difference + Float(level), Self.leastShare * brightest)
        }
        let papers = ink.count { $0 < Self.paperShare * brightest }
        guard Double(papers) >= Self.leastPaper * Double(pixels.count) else { return nil }
        return GreyImage(
            width: width, height: height, pixels: ink.map { UInt8(min(max(brightest - $0, 0), 255)) })
    }

    /// Returns the light of each cell. Along the border of the picture, where a gradient and writing look alike, what
    /// is darker than half of the cells further in is writing.
    private static func light(_ cells: PaperEstimate.Cells, _ levels: [Float]) -> [Float] {
        let filled = cells.closed(levels, reach: reach, padding: 0)
        let even = cells.closed(levels, reach: reach, padding: 2 * reach)
        return zip(filled, even).map { 2 * $1 < $0 ? $0 : $1 }
    }

    /// Whether writing is darker than what surrounds it, by the third moment of the logarithms less their means over
    /// squares of a sixth of the longer side.
    private var isDarkOnLight: Bool {
        // The offset keeps the noise of black from counting.
        let logarithms = (0..<256).map { log(Double($0) + 16) }
        var sums = [Double](repeating: 0, count: (width + 1) * (height + 1))
        for y in 0..<height {
            var row = 0.0
            for x in 0..<width {
                row += logarithms[Int(pixels[y &* width &+ x])]
                sums[(y + 1) * (width + 1) + x + 1] = sums[y * (width + 1) + x + 1] + row
            }
        }
        let reach = max(width, height) / 12
        var moment = 0.0
        for y in 0..<height {
            let (top, bottom) = (max(0, y - reach), min(height, y + reach + 1))
            for x in 0..<width {
                let (left, right) = (max(0, x - reach), min(width, x + reach + 1))
                let sum =
                    sums[bottom * (width + 1) + right] - sums[top * (width + 1) + right]
                    - sums[bottom * (width + 1) + left]
                    + sums[top * (width + 1) + left]
                let residual =
                    logarithms[Int(pixels[y &* width &+ x])] - sum / Double((bottom - top) * (right - left))
                moment += residual * residual * residual
            }
        }
        return moment < 0
    }
}
