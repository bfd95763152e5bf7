import Tensors

/// Downscales images by area averaging: each output pixel is the mean of the part of the image it covers.
///
/// Along each axis, from extent n to m: `y[i] = Σ_k w_ik·x[k]`, where `w_ik` is the length of `[k, k + 1)` within
/// `[i·n/m, (i + 1)·n/m)`, divided by n/m. The sum of an image's pixels, times their area, is preserved.
package struct ImageResize: Sendable {
    private struct Axis: Sendable {
        /// For each output position, the first source position and the weights from there on.
        var first: [Int] = []
        var weights: [[Float]] = []

        init(from n: Int, to m: Int) {
            let step = Double(n) / Double(m)
            for i in 0..<m {
                let low = Double(i) * step, high = Double(i + 1) * step
                let start = min(Int(low), n - 1), end = min(max(Int(high.rounded(.up)), start + 1), n)
                let lengths = (start..<end).map { max(0, min(high, Double($0 + 1)) - max(low, Double($0))) }
                let total = lengths.reduce(0, +)
                first.append(start)
                weights.append(lengths.map { Float($0 / total) })
            }
        }
    }

    package let height: Int
    package let width: Int
    private let sourceWidth: Int
    private let channels: Int
    private let rows: Axis
    private let columns: Axis

    /// - Precondition: `1 ≤ height ≤ fromHeight`, and likewise for the width.
    package init(fromHeight: Int, fromWidth: Int, channels: Int, height: Int, width: Int) {
        precondition(
            (1...fromHeight).contains(height) && (1...fromWidth).contains(width), "ImageResize: images become smaller")
        self.height = height
        self.width = width
        sourceWidth = fromWidth
        self.channels = channels
        rows = Axis(from: fromHeight, to: height)
        columns = Axis(from: fromWidth, to: width)
    }

    /// Resizes `source[H, W, C]` into `output[height, width, C]`.
    package func apply(_ source: Span<Float>, into output: inout MutableSpan<Float>) {
        for y in 0..<height {
            for x in 0..<width {
                for c in 0..<channels {
                    var sum: Float = 0
                    for (r, a) in rows.weights[y].enumerated() {
                        let line = (rows.first[y] + r) * sourceWidth
                        for (s, b) in columns.weights[x].enumerated() {
                            sum += a * b * source[(line + columns.first[x] + s) * channels + c]
                        }
                    }
                    output[(y * width + x) * channels + c] = sum
                }
            }
        }
    }
}
