import Foundation

/// The rectangle, at any slant, with the variances of some pixels.
///
/// A solid rectangle of L×T pixels has the variances L²/12 and T²/12 along and across itself. So the eigenvalues λ₁ ≥ λ₂ of
/// the covariance of n pixels (each a unit square) give `L = √(12·λ₁)` and `T = √(12·λ₂)`, and `n / (L·T)` is 1 for a
/// rectangle and a parallelogram, π/3 for an ellipse, √3/2 for a triangle, and less for what bends or branches.
package struct Oblong {
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
    package var covariance: (xx: Double, yy: Double, xy: Double) {
        let (meanX, meanY) = (x / max(n, 1), y / max(n, 1))
        return (
            xx / max(n, 1) - meanX * meanX + 1 / 12, yy / max(n, 1) - meanY * meanY + 1 / 12,
            xy / max(n, 1) - meanX * meanY
        )
    }

    /// The number of pixels.
    package var count: Int { Int(n) }

    /// The mean of the pixels' coordinates.
    package var centre: (x: Double, y: Double) { (Double(origin.x) + x / max(n, 1), Double(origin.y) + y / max(n, 1)) }

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

extension InkComponents {
    /// The pixels of each component.
    package var oblongs: [Oblong] {
        var result = [Oblong](repeating: Oblong(), count: components.count)
        for y in 0..<height {
            for x in 0..<width {
                let label = Int(labels[y &* width &+ x])
                if label > 0 { result[label - 1].add(x, y) }
            }
        }
        return result
    }
}
