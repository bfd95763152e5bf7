import Formats
import Tensors

/// Widens or thins light strokes on dark by w pixels on each side, w drawn uniformly from `pixels`.
///
/// For w in (0, 1]: `x + w·(max₃ₓ₃ x − x)`, the maximum of a value and its eight neighbours; for w in [−1, 0):
/// `x + w·(x − min₃ₓ₃ x)`; a larger change takes whole steps first, then the remainder. Greyscale morphology (J. Serra
/// 1982, "Image analysis and mathematical morphology"). There are no values beyond the image's border.
public struct StrokeWidth: AdjustmentKind {
    /// The thinnest and widest change, in [−4, 4].
    public var pixels: ClosedRange<Float> = -0.5...1

    /// Creates a change from low to high, in pixels on each side of a stroke; negative values thin it.
    public init(pixels: ClosedRange<Float> = -0.5...1) { self.pixels = pixels }

    /// `strokeWidth`.
    public static let type = "strokeWidth"
    /// The keys of its options.
    public static var options: Section<StrokeWidth> {
        Section(
            initial: StrokeWidth(),
            fields: [
                .key(
                    "pixels", \.pixels, .interval(.closed(-4, 4)),
                    "Added to each side of a stroke, [low, high]; below zero: taken off.")
            ])
    }

    /// Changes the width in steps of at most one pixel.
    public func apply(to image: inout MutableSpan<Float>, _ shape: Shape, _ random: inout RandomStream) {
        let change = random.uniform(in: pixels)
        var rest = abs(change)
        var rows = [Float](repeating: 0, count: image.count)
        while rest > 0 {
            let part = min(rest, 1)
            if change > 0 {
                step(&image, shape, &rows, part) { max($0, $1) }
            } else {
                step(&image, shape, &rows, part) { min($0, $1) }
            }
            rest -= part
        }
    }

    /// Moves each value towards the extremum of its 3×3 neighbourhood, taken along rows, then along columns.
    @inline(__always)
    private func step(
        _ image: inout MutableSpan<Float>, _ shape: Shape, _ buffer: inout [Float], _ part: Float,
        _ extremum: (Float, Float) -> Float
    ) {
        let channels = shape.channels, pitch = shape.width * channels
        var rows = buffer.mutableSpan
        for first in stride(from: 0, to: image.count, by: pitch) {
            for i in 0..<pitch {
                var value = image[first &+ i]
                if i >= channels { value = extremum(value, image[first &+ i &- channels]) }
                if i + channels < pitch { value = extremum(value, image[first &+ i &+ channels]) }
                rows[first &+ i] = value
            }
        }
        for i in 0..<image.count {
            var value = rows[i]
            if i >= pitch { value = extremum(value, rows[i &- pitch]) }
            if i + pitch < image.count { value = extremum(value, rows[i &+ pitch]) }
            image[i] += part * (value - image[i])
        }
    }
}
