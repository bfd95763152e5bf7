/// The brightness of the paper at every pixel of a picture, without the ink.
///
/// The picture is divided into cells, at most 64 along its longer side. Each cell takes the mean of its paper pixels;
/// if ink leaves less than a quarter of a cell, it is filled from increasingly coarse neighbourhoods (the pull–push
/// algorithm of S. J. Gortler et al., "The Lumigraph", SIGGRAPH 1996). Between cell centres the brightness is bilinear.
package struct PaperEstimate {
    /// The cells of a picture.
    struct Cells {
        /// The number of pixels along a side.
        let size: Int
        let columns: Int
        let rows: Int

        init(_ image: GreyImage) {
            size = PaperEstimate.cellSize(image)
            (columns, rows) = ((image.width + size - 1) / size, (image.height + size - 1) / size)
        }

        /// Returns a quantile of each cell's grey levels.
        func quantiles(of image: GreyImage, _ share: Double) -> [UInt8] {
            var levels = [UInt8](repeating: 0, count: columns * rows)
            var histogram = [Int32](repeating: 0, count: 256)
            let pixels = image.pixels.span
            for r in 0..<rows {
                for c in 0..<columns {
                    for level in 0..<256 { histogram[level] = 0 }
                    let ys = (r * size)..<min((r + 1) * size, image.height)
                    let xs = (c * size)..<min((c + 1) * size, image.width)
                    for y in ys {
                        for x in xs { histogram[Int(pixels[y &* image.width &+ x])] += 1 }
                    }
                    let wanted = Int32((Double(ys.count * xs.count) * share).rounded(.up))
                    var seen: Int32 = 0, level = 0
                    while seen + histogram[level] < wanted {
                        seen += histogram[level]
                        level += 1
                    }
                    levels[r * columns + c] = UInt8(level)
                }
            }
            return levels
        }

        /// Returns the morphological closing of `values` by a square, the least of the greatest, then the mean of 3×3.
        ///
        /// - Parameters:
        ///   - reach: The number of cells from the square's middle to its sides.
        ///   - padding: How many times the cells along the border are repeated outside of it: 0 also closes what touches
        ///     the border, 2·`reach` leaves a gradient there as it is.
        func closed(_ values: [Float], reach: Int, padding: Int) -> [Float] {
            let (wide, high) = (columns + 2 * padding, rows + 2 * padding)
            let padded = (0..<high).flatMap { r in
                let row = min(max(r - padding, 0), rows - 1) * columns
                return (0..<wide).map { values[row + min(max($0 - padding, 0), columns - 1)] }
            }
            func filtered(_ values: [Float], reach: Int, _ combine: (ArraySlice<Float>) -> Float) -> [Float] {
                let across = values.indices.map { i -> Float in
                    let row = i / wide * wide, c = i % wide
                    return combine(values[(row + max(0, c - reach))...(row + min(wide - 1, c + reach))])
                }
                let turned = (0..<wide).flatMap { c in (0..<high).map { across[$0 * wide + c] } }
                return values.indices.map { i in
                    let (r, column) = (i / wide, i % wide * high)
                    return combine(turned[(column + max(0, r - reach))...(column + min(high - 1, r + reach))])
                }
            }
            let greatest = filtered(padded, reach: reach) { $0.max() ?? 0 }
            let least = filtered(greatest, reach: reach) { $0.min() ?? 0 }
            let smooth = filtered(least, reach: 1) { $0.reduce(0, +) / Float($0.count) }
            return (0..<rows).flatMap { r in (0..<columns).map { smooth[(r + padding) * wide + $0 + padding] } }
        }
    }

    private let cell: Int
    private let columns: Int
    private let rows: Int
    private var levels: [Float]

    package static func cellSize(_ image: GreyImage) -> Int { max(1, (max(image.width, image.height) + 63) / 64) }

    /// - Parameter levels: The brightness of each cell.
    init(_ cells: Cells, levels: [Float]) {
        (cell, columns, rows, self.levels) = (cells.size, cells.columns, cells.rows, levels)
    }

    /// - Parameter isPaper: `[height, width]`.
    package init(_ image: GreyImage, isPaper: [Bool]) {
        let cell = Self.cellSize(image)
        let columns = (image.width + cell - 1) / cell, rows = (image.height + cell - 1) / cell
        var sums = [Float](repeating: 0, count: columns * rows), counts = sums
        let pixels = image.pixels.span, paper = isPaper.span
        for y in 0..<image.height {
            let first = y / cell * columns
            for x in 0..<image.width where paper[y &* image.width &+ x] {
                sums[first + x / cell] += Float(pixels[y &* image.width &+ x])
                counts[first + x / cell] += 1
            }
        }
        let least = Float(cell * cell) / 4
        var weights = counts.map { $0 >= least ? min($0 / Float(cell * cell), 1) : 0 }
        if weights.allSatisfy({ $0 == 0 }) { weights = counts.map { $0 > 0 ? 1 : 0 } }
        let means = zip(sums, counts).map { $1 > 0 ? $0 / $1 : 0 }
        (self.cell, self.columns, self.rows) = (cell, columns, rows)
        levels = Self.filled(means, weights, columns: columns, rows: rows)
        smooth()
    }

    /// Fills values without weight from their surroundings: pull to half the size, fill recursively, push back.
    private static func filled(_ values: [Float], _ weights: [Float], columns: Int, rows: Int) -> [Float] {
        guard columns > 1 || rows > 1, weights.contains(where: { $0 < 1 }) else { return values }
        let (halfColumns, halfRows) = ((columns + 1) / 2, (rows + 1) / 2)
        var coarse = [Float](repeating: 0, count: halfColumns * halfRows), coarseWeights = coarse
        for y in 0..<rows {
            for x in 0..<columns {
                let i = y * columns + x, j = y / 2 * halfColumns + x / 2
                coarse[j] += values[i] * weights[i]
                coarseWeights[j] += weights[i]
            }
        }
        for j in coarse.indices where coarseWeights[j] > 0 { coarse[j] /= coarseWeights[j] }
        coarse = filled(coarse, coarseWeights.map { min($0, 1) }, columns: halfColumns, rows: halfRows)
        var result = values
        for y in 0..<rows {
            for x in 0..<columns {
                let i = y * columns + x
                guard weights[i] < 1 else { continue }
                let around = bilinear(
                    coarse, columns: halfColumns, rows: halfRows, x: (Float(x) - 0.5) / 2, y: (Float(y) - 0.5) / 2)
                result[i] = weights[i] * values[i] + (1 - weights[i]) * around
            }
        }
        return result
    }

    /// Replaces each cell by the mean of its 3×3 neighbourhood, which suppresses the noise of single cells.
    private mutating func smooth() {
        let source = levels
        for y in 0..<rows {
            for x in 0..<columns {
                var sum: Float = 0, count: Float = 0
                for v in max(0, y - 1)...min(rows - 1, y + 1) {
                    for u in max(0, x - 1)...min(columns - 1, x + 1) {
                        sum += source[v * columns + u]
                        count += 1
                    }
                }
                levels[y * columns + x] = sum / count
            }
        }
    }

    private static func bilinear(_ values: [Float], columns: Int, rows: Int, x: Float, y: Float) -> Float {
        let x = min(max(x, 0), Float(columns - 1)), y = min(max(y, 0), Float(rows - 1))
        let left = min(Int(x), max(columns - 2, 0)), top = min(Int(y), max(rows - 2, 0))
        let right = min(left + 1, columns - 1), bottom = min(top + 1, rows - 1)
        let fx = x - Float(left), fy = y - Float(top)
        let upper = values[top * columns + left] * (1 - fx) + values[top * columns + right] * fx
        let lower = values[bottom * columns + left] * (1 - fx) + values[bottom * columns + right] * fx
        return upper * (1 - fy) + lower * fy
    }

    /// Returns `sign · (paper − picture)`: how much darker (sign 1) or lighter (−1) than paper each pixel is.
    package func difference(from image: GreyImage, sign: Float) -> [Float] {
        let step = 1 / Float(cell), half = Float(cell - 1) / 2
        // The position of each column among the cells, computed once for all rows.
        let places = (0..<image.width).map { x -> (Int, Int, Float) in
            let p = min(max((Float(x) - half) * step, 0), Float(columns - 1))
            let left = min(Int(p), max(columns - 2, 0))
            return (left, min(left + 1, columns - 1), p - Float(left))
        }
        var result = [Float](repeating: 0, count: image.pixels.count)
        var row = [Float](repeating: 0, count: columns)
        let pixels = image.pixels.span
        for y in 0..<image.height {
            let p = min(max((Float(y) - half) * step, 0), Float(rows - 1))
            let top = min(Int(p), max(rows - 2, 0)), bottom = min(top + 1, rows - 1), f = p - Float(top)
            for c in 0..<columns { row[c] = levels[top * columns + c] * (1 - f) + levels[bottom * columns + c] * f }
            for x in 0..<image.width {
                let (left, right, fx) = places[x]
                let paper = row[left] * (1 - fx) + row[right] * fx
                result[y &* image.width &+ x] = sign * (paper - Float(pixels[y &* image.width &+ x]))
            }
        }
        return result
    }
}

/// A first approximation of the paper: the plane `a + b·x + c·y` that fits the medians of cells with the least sum of
/// absolute residuals, by iteratively reweighted least squares. Ink does not affect it as long as most cells are paper.
package enum PaperPlane {
    /// Returns `picture − plane` at each pixel.
    package static func residuals(_ image: GreyImage) -> [Float] {
        let cells = PaperEstimate.Cells(image), (columns, rows) = (cells.columns, cells.rows)
        let medians = cells.quantiles(of: image, 0.5).map { Double($0) }
        /// Maps an index to the interval from −1 to 1.
        func coordinate(_ index: Int, _ count: Int) -> Double {
            count > 1 ? 2 * Double(index) / Double(count - 1) - 1 : 0
        }
        var plane = (0.0, 0.0, 0.0)
        for iteration in 0..<30 {
            // The rows of the normal equations: weight · basis · (basis, value).
            var level = SIMD4<Double>(), across = level, down = level
            for r in 0..<rows {
                let y = coordinate(r, rows)
                for c in 0..<columns {
                    let x = coordinate(c, columns), value = medians[r * columns + c]
                    let residual = value - plane.0 - plane.1 * x - plane.2 * y
                    let weight = iteration == 0 ? 1 : 1 / max(abs(residual), 1)
                    let row = SIMD4(1, x, y, value)
                    level += weight * row
                    across += weight * x * row
                    down += weight * y * row
                }
            }
            plane = solve([level, across, down].map { row in (0..<4).map { row[$0] } })
        }
        var result = [Float](repeating: 0, count: image.pixels.count)
        let pixels = image.pixels.span
        for y in 0..<image.height {
            let level = Float(plane.0 + plane.2 * coordinate(y, image.height))
            let slope = image.width > 1 ? Float(2 * plane.1) / Float(image.width - 1) : 0
            let start = level - (image.width > 1 ? Float(plane.1) : 0)
            for x in 0..<image.width {
                result[y &* image.width &+ x] = Float(pixels[y &* image.width &+ x]) - start - slope * Float(x)
            }
        }
        return result
    }

    /// Solves the system by Gauss–Jordan elimination with pivoting; a degenerate axis (one column or row) gets 0.
    private static func solve(_ system: [[Double]]) -> (Double, Double, Double) {
        var m = system
        for k in 0..<3 {
            let pivot = (k..<3).max { abs(m[$0][k]) < abs(m[$1][k]) } ?? k
            m.swapAt(k, pivot)
            guard abs(m[k][k]) > 1e-9 else {
                m[k] = [0, 0, 0, 0]
                m[k][k] = 1
                continue
            }
            for i in 0..<3 where i != k {
                let factor = m[i][k] / m[k][k]
                for j in k..<4 { m[i][j] -= factor * m[k][j] }
            }
        }
        return (m[0][3] / m[0][0], m[1][3] / m[1][1], m[2][3] / m[2][2])
    }
}
