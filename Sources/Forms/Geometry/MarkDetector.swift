import Pictures

/// Detects solid rectangles in a picture, such as a form's corner marks.
///
/// A connected component of dark pixels (under half of the lightest in a neighbourhood of cells of ``cell`` pixels) is
/// a mark if its area matches its second moments: with λ₁, λ₂ the eigenvalues of the covariance of its pixels, a
/// rectangle of any tilt has `12·√(λ₁λ₂)` pixels.
enum MarkDetector {
    struct Mark: Hashable, Sendable {
        var centre: Point
        /// The square root of the area, in pixels.
        var side: Double
    }

    private static let cell = 24
    private static let solidity = 0.88...1.12
    /// The maximum of λ₁/λ₂: sides of up to 2 to 1.
    private static let mostElongation = 4.0
    /// The minimum side in pixels, and the maximum side as a fraction of the picture's longer side.
    private static let leastSide = 4.0, mostSide = 0.06

    static func marks(of image: GreyImage) -> [Mark] {
        let dark = darkness(image)
        let components = InkComponents(ink: dark, width: image.width, height: image.height, low: 0.5, high: 0.5)
        let most = mostSide * Double(max(image.width, image.height))
        return components.oblongs.compactMap { pixels in
            let side = Double(pixels.count).squareRoot()
            guard side >= leastSide, side <= most else { return nil }
            let (xx, yy, xy) = pixels.covariance
            let determinant = xx * yy - xy * xy, mean = (xx + yy) / 2
            let spread = max(mean * mean - determinant, 0).squareRoot()
            guard determinant > 0, mean + spread <= mostElongation * (mean - spread),
                solidity.contains(Double(pixels.count) / (12 * determinant.squareRoot()))
            else { return nil }
            return Mark(centre: Point(pixels.centre.x + 0.5, pixels.centre.y + 0.5), side: side)
        }
    }

    /// Returns 1 for each dark pixel, otherwise 0.
    private static func darkness(_ image: GreyImage) -> [Float] {
        let columns = (image.width + cell - 1) / cell, rows = (image.height + cell - 1) / cell
        var lightest = [UInt8](repeating: 0, count: columns * rows)
        let pixels = image.pixels.span
        for y in 0..<image.height {
            for x in 0..<image.width {
                let c = y / cell &* columns &+ x / cell
                lightest[c] = max(lightest[c], pixels[y &* image.width &+ x])
            }
        }
        var around = lightest
        for r in 0..<rows {
            for c in 0..<columns {
                for v in max(0, r - 1)...min(rows - 1, r + 1) {
                    for u in max(0, c - 1)...min(columns - 1, c + 1) {
                        around[r * columns + c] = max(around[r * columns + c], lightest[v * columns + u])
                    }
                }
            }
        }
        var result = [Float](repeating: 0, count: pixels.count)
        for y in 0..<image.height {
            for x in 0..<image.width {
                let level = around[y / cell &* columns &+ x / cell]
                if 2 * Int(pixels[y &* image.width &+ x]) < Int(level) { result[y &* image.width &+ x] = 1 }
            }
        }
        return result
    }
}
