import Tensors

/// Loops over the columns of a row-major activation matrix `[rows, columns]`.
///
/// Per-column values are needed in every row. So that vectors of 16 can ignore row boundaries, these values are kept
/// *expanded*: repeated to the period `lcm(columns, 16)`, over which the matrix is traversed as one flat array.
package enum ColumnKernels {
    /// The least common multiple of `columns` and 16: the length of an expanded row.
    @inline(__always)
    package static func period(_ columns: Int) -> Int {
        let zeros = min(4, columns.trailingZeroBitCount)
        return columns << (4 - zeros)
    }

    /// Repeats `row[columns]` along one period.
    package static func expand(_ row: UnsafePointer<Float>, columns: Int, into expanded: UnsafeMutablePointer<Float>) {
        var c = 0
        for j in 0..<period(columns) {
            expanded[j] = row[c]
            c = c &+ 1 == columns ? 0 : c &+ 1
        }
    }

    /// Adds the bias, `x[r, c] += row[c]`, then applies ReLU if requested, while the rows of a product are in cache.
    package static func finish(
        _ x: UnsafeMutablePointer<Float>, rows: Int, columns: Int, bias row: UnsafePointer<Float>?, relu: Bool
    ) {
        guard row != nil || relu else { return }
        let zero = SIMD16<Float>()
        for r in 0..<rows {
            let target = x + r &* columns
            var c = 0
            while c &+ 16 <= columns {
                var value = target.lanes(c)
                if let row { value += row.lanes(c) }
                if relu { value.replace(with: zero, where: value .< zero) }
                target.setLanes(c, value)
                c &+= 16
            }
            while c < columns {
                var value = target[c]
                if let row { value += row[c] }
                target[c] = relu && value < 0 ? 0 : value
                c &+= 1
            }
        }
    }

    /// Adds the column sums, `sums[c] += Σ_r x[r, c]`: in Float within blocks of 16 rows, in Double across blocks.
    package static func addColumnSums(
        _ x: UnsafePointer<Float>, rows: Int, columns: Int, to sums: UnsafeMutablePointer<Double>
    ) {
        var c = 0
        while c < columns {
            let wide = c &+ 16 <= columns
            var r = 0
            while r < rows {
                let end = min(r &+ 16, rows)
                if wide {
                    var total = SIMD16<Float>()
                    while r < end {
                        total += x.lanes(r &* columns &+ c)
                        r &+= 1
                    }
                    for lane in 0..<16 { sums[c &+ lane] += Double(total[lane]) }
                } else {
                    var total: Float = 0
                    while r < end {
                        total += x[r &* columns &+ c]
                        r &+= 1
                    }
                    sums[c] += Double(total)
                }
            }
            c &+= wide ? 16 : 1
        }
    }

    /// `y[c, r] = x[r, c]`.
    package static func transpose(
        _ x: UnsafePointer<Float>, rows: Int, columns: Int, into y: UnsafeMutablePointer<Float>
    ) {
        let block = 16  // one cache line of floats in each direction
        var r0 = 0
        while r0 < rows {
            let r1 = min(r0 + block, rows)
            var c0 = 0
            while c0 < columns {
                let c1 = min(c0 + block, columns)
                for c in c0..<c1 {
                    for r in r0..<r1 { y[c &* rows &+ r] = x[r &* columns &+ c] }
                }
                c0 = c1
            }
            r0 = r1
        }
    }

    /// Copies `columns` columns of each row, `y[r·yStride + c] = x[r·xStride + c]`, for concatenation and its gradient.
    package static func copyColumns(
        _ x: UnsafePointer<Float>, xStride: Int, to y: UnsafeMutablePointer<Float>, yStride: Int, rows: Int,
        columns: Int
    ) {
        for r in 0..<rows {
            let source = x + r &* xStride, target = y + r &* yStride
            var c = 0
            while c &+ 16 <= columns {
                target.setLanes(c, source.lanes(c))
                c &+= 16
            }
            while c < columns {
                target[c] = source[c]
                c &+= 1
            }
        }
    }
}
