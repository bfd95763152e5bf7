import Tensors

/// A greyscale picture.
package struct GreyImage: Hashable, Sendable {
    /// The number of columns, at least 1.
    package let width: Int
    /// The number of rows, at least 1.
    package let height: Int
    /// The grey levels, 0 black to 255 white, `[height, width]` in row-major order.
    package let pixels: [UInt8]

    /// - Precondition: positive extents, and `pixels` has width · height elements.
    package init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(width > 0 && height > 0, "GreyImage: expected positive extents, received \(width)×\(height)")
        precondition(
            pixels.count == width * height,
            "GreyImage: expected \(width)·\(height) pixels, received \(pixels.count)")
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// Returns the brightness of a colour, `0.299·R + 0.587·G + 0.114·B`, rounded (ITU-R BT.601, as JPEG's Y).
    static func luma(_ red: UInt8, _ green: UInt8, _ blue: UInt8) -> UInt8 {
        let (r, g, b) = (Int(red) * 19_595, Int(green) * 38_470, Int(blue) * 7_471)
        return UInt8((r + g + b + 0x8000) >> 16)
    }

    /// Creates a picture from interleaved samples with 1 (grey), 2 (grey, alpha), 3 (red, green, blue) or 4 (the same
    /// and alpha) channels per pixel. Transparency is composited over white; if that shows nothing, as with the light
    /// ink of a dark theme, over black; if neither does, alpha is the ink.
    package init(width: Int, height: Int, samples: [UInt8], channels: Int) {
        precondition((1...4).contains(channels), "GreyImage: expected 1 to 4 channels, received \(channels)")
        precondition(samples.count == width * height * channels, "GreyImage: samples do not fill the picture")
        guard channels > 1 else {
            self.init(width: width, height: height, pixels: samples)
            return
        }
        func level(_ index: Int) -> UInt8 {
            let first = index * channels
            return channels == 2 ? samples[first] : Self.luma(samples[first], samples[first + 1], samples[first + 2])
        }
        let count = width * height
        guard channels != 3 else {
            self.init(width: width, height: height, pixels: (0..<count).map(level))
            return
        }
        /// Returns the picture composited over paper of this brightness.
        func laid(over paper: Int) -> [UInt8] {
            (0..<count).map { index in
                let alpha = Int(samples[index * channels + channels - 1])
                return UInt8((Int(level(index)) * alpha + paper * (255 - alpha) + 127) / 255)
            }
        }
        let alpha = (0..<count).map { samples[$0 * channels + channels - 1] }
        let onWhite = laid(over: 255)
        guard Self.span(onWhite) < Self.leastContrast, Self.span(alpha) >= Self.leastContrast else {
            self.init(width: width, height: height, pixels: onWhite)
            return
        }
        let onBlack = laid(over: 0)
        self.init(
            width: width, height: height,
            pixels: Self.span(onBlack) >= Self.leastContrast ? onBlack : alpha.map { 255 - $0 })
    }

    /// The least difference between the darkest and the lightest pixel that shows something.
    private static let leastContrast = 40

    private static func span(_ levels: [UInt8]) -> Int { Int(levels.max() ?? 0) - Int(levels.min() ?? 0) }

    /// Returns the part in `box`, as far as it is within the picture; nil if none of it is.
    package func part(_ box: PixelBox) -> GreyImage? {
        let left = max(box.x, 0), right = min(box.right, width), top = max(box.y, 0), bottom = min(box.bottom, height)
        guard left < right, top < bottom else { return nil }
        return GreyImage(
            width: right - left, height: bottom - top,
            pixels: (top..<bottom).flatMap { pixels[($0 * width + left)..<($0 * width + right)] })
    }

    /// Returns the picture in its display orientation, given the stored `orientation` (EXIF's tag 0x0112, 1...8); any
    /// other number leaves it unchanged.
    func oriented(_ orientation: Int) -> GreyImage {
        guard (2...8).contains(orientation) else { return self }
        // 5 to 8 swap rows and columns.
        let turned = orientation >= 5
        let (w, h) = turned ? (height, width) : (width, height)
        let flipsX = [2, 3, 7, 8].contains(orientation), flipsY = [3, 4, 6, 7].contains(orientation)
        var result = [UInt8](repeating: 0, count: w * h)
        let source = pixels.span
        for y in 0..<h {
            for x in 0..<w {
                // The stored position of this pixel; flips are along the stored axes.
                let (column, row) = turned ? (y, x) : (x, y)
                let from = (flipsY ? height - 1 - row : row) * width + (flipsX ? width - 1 - column : column)
                result[y &* w &+ x] = source[from]
            }
        }
        return GreyImage(width: w, height: h, pixels: result)
    }

    /// Returns the picture reduced to means of `factor`×`factor` pixels; incomplete blocks at the right and bottom are
    /// cropped.
    package func reduced(by factor: Int) -> GreyImage {
        let (w, h) = (max(1, width / factor), max(1, height / factor))
        let (across, down) = (min(factor, width), min(factor, height))
        var result = [UInt8](repeating: 0, count: w * h)
        let source = pixels.span
        let half = across * down / 2
        for y in 0..<h {
            for x in 0..<w {
                var sum = half
                for v in 0..<down {
                    let first = (y &* factor &+ v) &* width &+ x &* factor
                    for u in 0..<across { sum &+= Int(source[first &+ u]) }
                }
                result[y &* w &+ x] = UInt8(sum / (across * down))
            }
        }
        return GreyImage(width: w, height: h, pixels: result)
    }
}

extension GreyImage {
    /// The picture with light and dark swapped.
    package var inverted: GreyImage { GreyImage(width: width, height: height, pixels: pixels.map { 255 - $0 }) }

    /// Returns the picture resampled to `width`×`height` by area means.
    package func resized(width: Int, height: Int) -> GreyImage {
        let narrow = GlyphPreparation.areaMeans(
            pixels.map(Float.init), columns: self.width, rows: self.height, from: 0,
            step: Double(self.width) / Double(width), count: width)
        let block = GlyphPreparation.areaMeans(
            narrow, columns: self.height, rows: width, from: 0, step: Double(self.height) / Double(height),
            count: height)
        return GreyImage(width: width, height: height, pixels: block.map { UInt8(min(max($0.rounded(), 0), 255)) })
    }
}
