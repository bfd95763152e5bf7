/// Widening of strokes that are thinner than MNIST's.
///
/// A pen of two pixels in a digit 280 high is a seventh of a pixel wide in a box of 20, and its mean over a pixel is
/// nearly paper. If it is widened by r = (target − width) / 2 on either side before averaging, it keeps its darkness.
/// With d the Euclidean distance to the nearest ink pixel, a pixel becomes `max(v, min(1, r + 1 − d))`. Cost: O(pixels)
/// (P. F. Felzenszwalb, D. P. Huttenlocher, "Distance Transforms of Sampled Functions", Theory of Computing 8, 2012).
enum StrokeWidth {
    /// The value above which a pixel is ink.
    private static let threshold: Float = 0.5

    /// Returns `ink`, `[rows, columns]`, with its strokes widened by `radius` pixels on either side.
    static func widened(_ ink: [Float], columns: Int, rows: Int, by radius: Float) -> [Float] {
        let squares = squaredDistances(ink, columns: columns, rows: rows)
        return zip(ink, squares).map { value, square in max(value, min(1, radius + 1 - square.squareRoot())) }
    }

    /// Returns the squared distance of each pixel's centre to the centre of the nearest ink pixel.
    static func squaredDistances(_ ink: [Float], columns: Int, rows: Int) -> [Float] {
        let far = Float((columns + rows) * (columns + rows))
        var result = ink.map { $0 > threshold ? 0 : far }
        var line = [Float](repeating: 0, count: max(columns, rows))
        for x in 0..<columns {
            for y in 0..<rows { line[y] = result[y &* columns &+ x] }
            let distances = transformed(line, count: rows)
            for y in 0..<rows { result[y &* columns &+ x] = distances[y] }
        }
        for y in 0..<rows {
            for x in 0..<columns { line[x] = result[y &* columns &+ x] }
            let distances = transformed(line, count: columns)
            for x in 0..<columns { result[y &* columns &+ x] = distances[x] }
        }
        return result
    }

    /// Returns `min over q of (p − q)² + values[q]`, by the lower envelope of parabolas.
    private static func transformed(_ values: [Float], count: Int) -> [Float] {
        var places = [0], starts: [Float] = [-.infinity]
        for q in 1..<max(count, 1) {
            func crossing(_ p: Int) -> Float {
                (values[q] - values[p] + Float(q * q - p * p)) / Float(2 * (q - p))
            }
            while let last = places.last, let start = starts.last, crossing(last) <= start {
                places.removeLast()
                starts.removeLast()
            }
            starts.append(places.last.map(crossing) ?? -.infinity)
            places.append(q)
        }
        var result = [Float](repeating: 0, count: count)
        var k = 0
        for p in 0..<count {
            while k + 1 < starts.count, starts[k + 1] < Float(p) { k += 1 }
            let step = Float(p - places[k])
            result[p] = step * step + values[places[k]]
        }
        return result
    }
}
