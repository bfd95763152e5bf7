import Datasets
import Foundation

/// A property that can be measured of an image without knowing its content.
package enum ImageMeasure: String, CaseIterable, Codable, Sendable {
    /// The longer side of the drawing in pixels, counting rows and columns that reach a quarter of the lightest pixel.
    case size
    /// The drawing's width over its height.
    case aspect
    /// The slant of the drawing in degrees, positive to the right: `atan(−μ₁₁/μ₀₂)` of the central moments.
    case slant
    /// The width of the strokes in pixels: `2·A/T`, where A is the sum of the pixels and T that of the gradients'
    /// lengths. A stroke of width w and length l has A = w·l and T = 2·l.
    case thickness
    /// The brightness of the drawing, in [0, 255]: the mean of the pixels, each weighted by itself.
    case contrast
    /// The distance of the centre of mass from the image's centre, in pixels.
    case offset

    /// Returns the measures of every image, `[N]`; 0 for an image without a drawing.
    package static func all(_ images: ImageSet) -> [ImageMeasure: [Double]] {
        let pixels = GreyPixels(images)
        var result: [ImageMeasure: [Double]] = [:]
        for measure in allCases { result[measure] = [] }
        for index in 0..<pixels.count {
            let values = of(pixels.image(index), height: pixels.height, width: pixels.width)
            for measure in allCases { result[measure]?.append(values[measure] ?? 0) }
        }
        return result
    }

    /// Returns the measures of one grey image `[H, W]`.
    static func of(_ image: [Float], height: Int, width: Int) -> [ImageMeasure: Double] {
        let largest = image.max() ?? 0
        guard largest > 0 else { return [:] }
        var (top, bottom, left, right) = (height, -1, width, -1)
        var sum = 0.0, squares = 0.0, length = 0.0
        for y in 0..<height {
            for x in 0..<width {
                let value = image[y * width + x]
                if value >= largest / 4 {
                    (top, bottom, left, right) = (min(top, y), max(bottom, y), min(left, x), max(right, x))
                }
                sum += Double(value)
                squares += Double(value) * Double(value)
                let dx = (x + 1 < width ? image[y * width + x + 1] : 0) - value
                let dy = (y + 1 < height ? image[(y + 1) * width + x] : 0) - value
                length += Double((dx * dx + dy * dy).squareRoot())
            }
        }
        let centre = GreyLoops.centre(image, height: height, width: width)
        var mixed = 0.0, vertical = 0.0
        for y in 0..<height {
            for x in 0..<width {
                let value = Double(image[y * width + x])
                let (u, v) = (Double(x) - Double(centre.x), Double(y) - Double(centre.y))
                mixed += value * u * v
                vertical += value * v * v
            }
        }
        let (w, h) = (Double(right - left + 1), Double(bottom - top + 1))
        let (dx, dy) = (
            Double(centre.x) - Double(width - 1) / 2, Double(centre.y) - Double(height - 1) / 2
        )
        return [
            .size: max(w, h), .aspect: w / h,
            .slant: vertical > 0 ? atan(-mixed / vertical) * 180 / .pi : 0,
            .thickness: length > 0 ? 2 * sum / length : 0, .contrast: squares / sum,
            .offset: (dx * dx + dy * dy).squareRoot(),
        ]
    }
}
