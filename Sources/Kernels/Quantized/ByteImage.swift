/// The quantization of numbers to bytes: `x ≈ scale · (byte − zeroPoint)`.
package struct ByteScale: Hashable, Sendable {
    /// The scale, in ``legal``.
    package var scale: Float
    /// The byte that represents 0.
    package var zeroPoint: UInt8

    /// The range of scales of inputs and weights for which all products and quotients are normal numbers.
    package static let legal: ClosedRange<Float> = 1e-12...1e12

    package init(scale: Float, zeroPoint: UInt8) {
        self.scale = scale
        self.zeroPoint = zeroPoint
    }
}

/// The memory layout of an image `[H, W, C]` of bytes: row by row, with a border that the next convolution reads as
/// zeros.
package struct ByteLayout: Hashable, Sendable {
    package var height, width, channels: Int
    package var top = 0, left = 0, bottom = 0, right = 0

    package init(height: Int, width: Int, channels: Int) {
        self.height = height
        self.width = width
        self.channels = channels
    }

    /// Creates a layout with the border that a convolution reads.
    package init(for g: ConvolutionGeometry) {
        self.init(height: g.height, width: g.width, channels: g.channels)
        top = max(0, g.padTop)
        left = max(0, g.padLeft)
        bottom = max(
            0, (g.outHeight - 1) * g.strideHeight + g.dilationHeight * (g.kernelHeight - 1) + 1 - g.padTop - height)
        right = max(0, (g.outWidth - 1) * g.strideWidth + g.dilationWidth * (g.kernelWidth - 1) + 1 - g.padLeft - width)
    }

    /// Widens the border on each side to the larger of the two.
    /// - Precondition: images of the same extents.
    package mutating func widen(for other: ByteLayout) {
        top = max(top, other.top)
        left = max(left, other.left)
        bottom = max(bottom, other.bottom)
        right = max(right, other.right)
    }

    package var hasBorder: Bool { top + left + bottom + right > 0 }
    /// Bytes between rows.
    package var line: Int { (left + width + right) * channels }
    /// Bytes of the image with its border.
    package var bytes: Int { (top + height + bottom) * line }
    /// Floats that occupy as much memory, including three bytes that a kernel may read past the end.
    package var floats: Int { (bytes + 3 + 3) / 4 }
    /// Returns the offset of row `row` of the image.
    package func place(row: Int) -> Int { (top + row) * line + left * channels }

    /// Writes the border beside `rows`, the top border if they start with the first row and the bottom one if they end
    /// with the last.
    package func fillBorder(_ y: UnsafeMutablePointer<UInt8>, rows: Range<Int>, zeroPoint: UInt8) {
        guard hasBorder else { return }
        if rows.lowerBound == 0 { y.update(repeating: zeroPoint, count: top * line) }
        if rows.upperBound == height {
            (y + (top + height) * line).update(repeating: zeroPoint, count: bottom * line)
        }
        guard left + right > 0, let first = rows.first, let last = rows.last else { return }
        // The right border of a row and the left border of the next are contiguous.
        (y + (top + first) * line).update(repeating: zeroPoint, count: left * channels)
        for row in first..<last {
            (y + place(row: row) + width * channels).update(repeating: zeroPoint, count: (left + right) * channels)
        }
        (y + place(row: last) + width * channels).update(repeating: zeroPoint, count: right * channels)
    }

    /// Returns the dequantized numbers `[H, W, C]` of an image of bytes.
    package func values(of image: UnsafeMutableRawPointer, _ scale: ByteScale) -> [Float] {
        let y = image.assumingMemoryBound(to: UInt8.self)
        return (0..<height).flatMap { row in
            let start = place(row: row)
            return (0..<width * channels).map { Float(Int(y[start + $0]) - Int(scale.zeroPoint)) * scale.scale }
        }
    }

    /// Quantizes rows `rows` of the float image `x` `[H, W, C]`, including the border beside them.
    package func quantize(
        _ x: UnsafePointer<Float>, _ scale: ByteScale, rows: Range<Int>, into y: UnsafeMutablePointer<UInt8>,
        by instructions: ByteInstructions = .best
    ) {
        let floats = width * channels
        for row in rows {
            instructions.quantize(
                x + row * floats, count: floats, scale: scale.scale, zero: scale.zeroPoint, into: y + place(row: row))
        }
        fillBorder(y, rows: rows, zeroPoint: scale.zeroPoint)
    }
}
