import Foundation

/// A solid piece of ink measured as a straight bar, such as a printed rule, a separator or a 1.
struct StraightBar {
    var box: PixelBox
    /// The sides of the ``Oblong``, in pixels.
    var length: Double
    var thickness: Double
    /// The angle between the bar and the horizontal, from 0 to π/2 (upright), in radians.
    var steepness: Double

    /// The share of its oblong that a solid piece fills: what bends or branches has a thicker one. Of a hair of less than
    /// two pixels there may be so much missing of its thickness, in pixels.
    private static let (leastFill, mostMissing) = (0.75, 0.75)

    /// Whether it is a bar rather than a block or a dot.
    var isLong: Bool { length >= 4 * thickness }
    var isHorizontal: Bool { isLong && steepness < .pi / 12 }
    var isUpright: Bool { steepness > .pi / 2 - .pi / 12 }

    /// Returns, for each component, its bar; nil where it is no solid piece.
    static func bars(of components: InkComponents) -> [StraightBar?] {
        var pixels = [Oblong](repeating: Oblong(), count: components.components.count)
        for y in 0..<components.height {
            for x in 0..<components.width {
                let label = Int(components.labels[y &* components.width &+ x])
                if label > 0 { pixels[label - 1].add(x, y) }
            }
        }
        return zip(pixels, components.components).map { oblong, component in
            let sides = oblong.sides
            guard oblong.fill >= min(leastFill, 1 - mostMissing / sides.thickness) else { return nil }
            return StraightBar(
                box: component.box, length: sides.length, thickness: sides.thickness, steepness: oblong.steepness)
        }
    }
}

/// The rectangle, at any slant, with the variances of some pixels.
///
/// A solid rectangle of L×T pixels has the variances L²/12 and T²/12 along and across itself. So the eigenvalues λ₁ ≥ λ₂ of
/// the covariance of n pixels (each a unit square) give `L = √(12·λ₁)` and `T = √(12·λ₂)`, and `n / (L·T)` is 1 for a
/// rectangle and a parallelogram, π/3 for an ellipse, √3/2 for a triangle, and less for what bends or branches.
struct Oblong {
    private var origin = (x: 0, y: 0)
    // The sums are of differences from the first pixel.
    private var (n, x, y, xx, yy, xy) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

    init() {}

    mutating func add(_ column: Int, _ row: Int) {
        if n == 0 { origin = (column, row) }
        let (u, v) = (Double(column - origin.x), Double(row - origin.y))
        n += 1
        x += u
        y += v
        xx += u * u
        yy += v * v
        xy += u * v
    }

    /// The variances of x and y, and the covariance; a pixel's own variance is 1/12.
    private var covariance: (xx: Double, yy: Double, xy: Double) {
        let (meanX, meanY) = (x / max(n, 1), y / max(n, 1))
        return (
            xx / max(n, 1) - meanX * meanX + 1 / 12, yy / max(n, 1) - meanY * meanY + 1 / 12,
            xy / max(n, 1) - meanX * meanY
        )
    }

    /// The number of pixels.
    var count: Int { Int(n) }

    /// L and T, in pixels.
    var sides: (length: Double, thickness: Double) {
        let c = covariance, middle = (c.xx + c.yy) / 2
        let root = ((c.xx - c.yy) * (c.xx - c.yy) / 4 + c.xy * c.xy).squareRoot()
        return ((12 * (middle + root)).squareRoot(), (12 * max(middle - root, 1 / 12)).squareRoot())
    }

    /// n / (L·T).
    var fill: Double { n / (sides.length * sides.thickness) }

    /// The angle between the longer side and the horizontal, from 0 to π/2, in radians.
    var steepness: Double {
        let c = covariance
        return abs(atan2(2 * c.xy, c.xx - c.yy) / 2)
    }
}
