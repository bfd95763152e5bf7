/// How numbers stand as bytes: `x ≈ scale · (byte − zeroPoint)`.
package struct ByteScale: Hashable, Sendable {
    /// In ``legal``.
    package var scale: Float
    /// The byte that stands for 0.
    package var zeroPoint: UInt8

    /// Scales of inputs and weights whose products and quotients are all normal numbers.
    package static let legal: ClosedRange<Float> = 1e-12...1e12

    package init(scale: Float, zeroPoint: UInt8) {
        self.scale = scale
        self.zeroPoint = zeroPoint
    }
}

/// Where the bytes of an image `[H, W, C]` lie: row by row, with a border that the next convolution reads as zeros.
package struct ByteLayout: Hashable, Sendable {
    package var height, width, channels: Int
    package var top = 0, left = 0, bottom = 0, right = 0

    package init(height: Int, width: Int, channels: Int) {
        self.height = height
        self.width = width
        self.channels = channels
    }

    /// The border that `geometry` reads.
    package init(for g: ConvolutionGeometry) {
        self.init(height: g.height, width: g.width, channels: g.channels)
        top = max(0, g.padTop)
        left = max(0, g.padLeft)
        bottom = max(
            0, (g.outHeight - 1) * g.strideHeight + g.dilationHeight * (g.kernelHeight - 1) + 1 - g.padTop - height)
        right = max(0, (g.outWidth - 1) * g.strideWidth + g.dilationWidth * (g.kernelWidth - 1) + 1 - g.padLeft - width)
    }

    /// The larger border of both on each side.
    /// - Precondition: images of the same extents.
    package mutating func widen(for other: ByteLayout) {
        top = max(top, other.top)
        left = max(left, other.left)
        bottom = max(bottom, other.bottom)
        right = max(right, other.right)
    }

    package var hasBorder: Bool { top + left + bottom + right > 0 }
    /// Bytes from one row to the next.
    package var line: Int { (left + width + right) * channels }
    /// Of the image with its border.
    package var bytes: Int { (top + height + bottom) * line }
    /// Floats that take as much room, with three bytes that a kernel may read beyond the end.
    package var floats: Int { (bytes + 3 + 3) / 4 }
    /// Where row `row` of the image begins.
    package func place(row: Int) -> Int { (top + row) * line + left * channels }

    /// Writes the border beside `rows`, above where they begin with the first and below where they end with the last.
    package func fillBorder(_ y: UnsafeMutablePointer<UInt8>, rows: Range<Int>, zeroPoint: UInt8) {
        guard hasBorder else { return }
        if rows.lowerBound == 0 { y.update(repeating: zeroPoint, count: top * line) }
        if rows.upperBound == height {
            (y + (top + height) * line).update(repeating: zeroPoint, count: bottom * line)
        }
        guard left + right > 0, let first = rows.first, let last = rows.last else { return }
        // What is right of a row and left of the next lies together.
        (y + (top + first) * line).update(repeating: zeroPoint, count: left * channels)
        for row in first..<last {
            (y + place(row: row) + width * channels).update(repeating: zeroPoint, count: (left + right) * channels)
        }
        (y + place(row: last) + width * channels).update(repeating: zeroPoint, count: right * channels)
    }

    /// The numbers `[H, W, C]` that an image of bytes stands for.
    package func values(of image: UnsafeMutableRawPointer, _ scale: ByteScale) -> [Float] {
        let y = image.assumingMemoryBound(to: UInt8.self)
        return (0..<height).flatMap { row in
            let start = place(row: row)
            return (0..<width * channels).map { Float(Int(y[start + $0]) - Int(scale.zeroPoint)) * scale.scale }
        }
    }

    /// Rows `rows` of the image `x` `[H, W, C]` of floats as bytes, with the border beside them.
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
