import Formats
import Tensors

/// Strokes wider or thinner, light on dark, by w pixels at each side, w drawn uniformly from `pixels`.
///
/// For w in (0, 1]: `x + w·(max₃ₓ₃ x − x)`, the greatest of a value and its eight neighbours; for w in [−1, 0) `x + w·(x − min₃ₓ₃ x)`;
/// beyond that whole steps first, then the rest. Greyscale morphology (J. Serra 1982, "Image analysis and mathematical
/// morphology"). Beyond its border the image has no values.
public struct StrokeWidth: AdjustmentKind {
    /// Thinnest and widest, in [−4, 4].
    public var pixels: ClosedRange<Float> = -0.5...1

    /// Changes from low to high, pixels at each side of a stroke; below zero: thinner.
    public init(pixels: ClosedRange<Float> = -0.5...1) { self.pixels = pixels }

    /// `strokeWidth`.
    public static let type = "strokeWidth"
    /// Its keys.
    public static var options: Section<StrokeWidth> {
        Section(
            initial: StrokeWidth(),
            fields: [
                .key(
                    "pixels", \.pixels, .interval(.closed(-4, 4)),
                    "Added to each side of a stroke, [low, high]; below zero: taken off.")
            ])
    }

    /// Step by step towards the width drawn.
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

    /// The extremum of rows, then of columns.
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
