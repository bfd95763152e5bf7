/// A point or a vector of a page or a picture: x to the right, y down. Pixel i covers `[i, i + 1)`.
package typealias Point = SIMD2<Double>

/// A projective map of the plane: how a camera or a scanner maps a page to a picture.
///
/// `(x', y') = ((a·x + b·y + c) / w, (d·x + e·y + f) / w)`, `w = g·x + h·y + i`.
package struct Homography: Hashable, Sendable {
    /// The rows of the matrix: (a, b, c), (d, e, f), (g, h, i).
    package var rows: [SIMD3<Double>]

    package init(_ rows: [SIMD3<Double>]) {
        precondition(rows.count == 3, "Homography: expected 3 rows, received \(rows.count)")
        self.rows = rows
    }

    package static let identity = Homography([SIMD3(1, 0, 0), SIMD3(0, 1, 0), SIMD3(0, 0, 1)])

    /// Creates the map `x' = s·x + t`, separately for each axis.
    package init(scale s: Point, offset t: Point) {
        rows = [SIMD3(s.x, 0, t.x), SIMD3(0, s.y, t.y), SIMD3(0, 0, 1)]
    }

    /// Creates the similarity that maps `a` to `c` and `b` to `d`.
    package init(from a: Point, _ b: Point, to c: Point, _ d: Point) {
        let u = b - a, v = d - c
        let n = max((u * u).sum(), 1e-12)
        let re = (u * v).sum() / n, im = (u.x * v.y - u.y * v.x) / n
        rows = [
            SIMD3(re, -im, c.x - re * a.x + im * a.y), SIMD3(im, re, c.y - im * a.x - re * a.y), SIMD3(0, 0, 1),
        ]
    }

    /// Returns the denominator w, positive on the visible side of the horizon.
    package func depth(_ p: Point) -> Double { rows[2].x * p.x + rows[2].y * p.y + rows[2].z }

    package func callAsFunction(_ p: Point) -> Point {
        let w = depth(p)
        return Point(rows[0].x * p.x + rows[0].y * p.y + rows[0].z, rows[1].x * p.x + rows[1].y * p.y + rows[1].z) / w
    }

    /// Returns the composition that applies `other` first.
    package func after(_ other: Homography) -> Homography {
        Homography(
            rows.map { r in r.x * other.rows[0] + r.y * other.rows[1] + r.z * other.rows[2] }
        ).normalized
    }

    /// The inverse map; nil if the matrix is singular.
    package var inverse: Homography? {
        let (p, q, r) = (rows[0], rows[1], rows[2])
        let columns = [Self.cross(q, r), Self.cross(r, p), Self.cross(p, q)]
        let determinant = (p * columns[0]).sum()
        guard abs(determinant) > 1e-14 else { return nil }
        return Homography((0..<3).map { i in SIMD3(columns[0][i], columns[1][i], columns[2][i]) / determinant })
            .normalized
    }

    /// The same map, scaled so that its last element is 1.
    private var normalized: Homography {
        abs(rows[2].z) > 1e-14 ? Homography(rows.map { $0 / rows[2].z }) : self
    }

    static func cross(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> SIMD3<Double> {
        SIMD3(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x)
    }

    /// Returns the local scale at `p`: the square root of the ratio of areas.
    package func scale(at p: Point) -> Double {
        let steps = steps(at: p)
        return abs(steps.x.x * steps.y.y - steps.x.y * steps.y.x).squareRoot()
    }

    /// Returns the partial derivatives of the map at `p` with respect to x and to y.
    package func steps(at p: Point) -> (x: Point, y: Point) {
        let w = depth(p), q = self(p)
        return (
            Point(rows[0].x - rows[2].x * q.x, rows[1].x - rows[2].x * q.y) / w,
            Point(rows[0].y - rows[2].y * q.x, rows[1].y - rows[2].y * q.y) / w
        )
    }
}

/// A printed straight line: the side of a frame, or a line to write on.
package struct RuleSegment: Hashable, Sendable {
    package var start: Point
    package var end: Point
    /// Whether the line is horizontal rather than vertical, up to the tilt of a scan.
    package var isHorizontal: Bool

    package init(_ start: Point, _ end: Point, isHorizontal: Bool) {
        (self.start, self.end, self.isHorizontal) = (start, end, isHorizontal)
    }

    package var length: Double { (end - start).length }
    package var middle: Point { (start + end) / 2 }

    func mapped(_ map: (Point) -> Point) -> RuleSegment {
        RuleSegment(map(start), map(end), isHorizontal: isHorizontal)
    }
}

extension SIMD2<Double> {
    package var length: Double { (self * self).sum().squareRoot() }
}
