import Foundation
import Pictures
import Tensors

/// A visualisation of a reading: the original picture with a box around each character, and for each character the
/// network's input, its occlusion map (red supports the answer, blue contradicts it), and the answer.
package struct Explanation {
    private var canvas: Canvas

    /// The maximum width in pixels, without margins.
    private static let widest = 960
    private static let margin = 12
    /// The maximum height in pixels; characters beyond it are omitted.
    private static let highest = 16_384

    package init(_ image: GreyImage, _ reading: Reading, reader: DigitReader) {
        let (height, width) = (reader.inputShape.height, reader.inputShape.width)
        // The network's input is drawn large for one character, smaller for several.
        let zoom = max(1, (reading.characters.count > 1 ? 112 : 224) / max(height, width))
        let cell = (width: width * zoom, height: 2 * height * zoom + Self.margin + 24)
        let perRow = max(1, min(reading.characters.count, (Self.widest + Self.margin) / (cell.width + Self.margin)))
        let shown = Self.shown(image, width: max(perRow * (cell.width + Self.margin) - Self.margin, 224))
        let mostRows = max(1, (Self.highest - shown.height) / (cell.height + Self.margin))
        let rows = min(mostRows, (reading.characters.count + perRow - 1) / perRow)
        let inner = max(shown.width, perRow * (cell.width + Self.margin) - Self.margin)
        canvas = Canvas(
            width: inner + 2 * Self.margin,
            height: shown.height + (rows + 1) * Self.margin + rows * cell.height + Self.margin)
        canvas.draw(shown, x: Self.margin, y: Self.margin)
        let scale = Double(shown.width) / Double(image.width)
        for character in reading.characters {
            canvas.frame(character.box, scale: scale, x: Self.margin, y: Self.margin)
        }
        for (index, character) in reading.characters.prefix(rows * perRow).enumerated() {
            let x = Self.margin + index % perRow * (cell.width + Self.margin)
            let y = 2 * Self.margin + shown.height + index / perRow * (cell.height + Self.margin)
            canvas.enlarge(width: width, height: height, zoom: zoom, x: x, y: y) { pixel in
                let level = 255 - character.input[pixel]
                return [level, level, level]
            }
            let map = OcclusionMap(reader, character)
            let strongest = max(map.values.map { abs($0) }.max() ?? 0, 1e-6)
            canvas.enlarge(
                width: width, height: height, zoom: zoom, x: x, y: y + height * zoom + Self.margin / 2
            ) { pixel in Self.colour(ink: character.input[pixel], says: map.values[pixel] / strongest) }
            let percent = Int((100 * character.confidence).rounded(.down))
            canvas.write(
                "\(reader.classNames[character.classIndex]) \(percent)%", x: x, y: y + cell.height - 18, zoom: 2)
        }
    }

    /// Returns the visualisation as a PNG file.
    package func encoded() throws(OperationError) -> Data { try canvas.png.encoded() }

    /// Returns the picture scaled to about the given width: downsampled or enlarged by an integer factor.
    private static func shown(_ image: GreyImage, width: Int) -> GreyImage {
        let factor = (max(image.width, image.height) + widest - 1) / widest
        if factor > 1 { return image.reduced(by: factor) }
        let zoom = max(1, min(width / image.width, widest / max(image.width, image.height)))
        guard zoom > 1 else { return image }
        var pixels: [UInt8] = []
        for y in 0..<(image.height * zoom) {
            for x in 0..<(image.width * zoom) { pixels.append(image.pixels[y / zoom * image.width + x / zoom]) }
        }
        return GreyImage(width: image.width * zoom, height: image.height * zoom, pixels: pixels)
    }

    /// Returns a pixel's grey level, tinted by its occlusion value, −1 to 1.
    private static func colour(ink: UInt8, says: Float) -> [UInt8] {
        let base = 255 - 0.45 * Float(ink)
        let strength = min(abs(says), 1) * 0.85
        let tint: [Float] = says >= 0 ? [214, 39, 40] : [31, 119, 180]
        return tint.map { UInt8((base * (1 - strength) + $0 * strength).rounded()) }
    }
}

/// An RGB image to draw on.
private struct Canvas {
    let width: Int
    let height: Int
    private var pixels: [UInt8]

    package init(width: Int, height: Int) {
        (self.width, self.height) = (width, height)
        pixels = [UInt8](repeating: 255, count: 3 * width * height)
    }

    var png: PNG { PNG(width: width, height: height, colour: .rgb, pixels: pixels) }

    private mutating func set(_ x: Int, _ y: Int, _ colour: [UInt8]) {
        guard x >= 0, y >= 0, x < width, y < height else { return }
        for channel in 0..<3 { pixels[3 * (y * width + x) + channel] = colour[channel] }
    }

    mutating func draw(_ image: GreyImage, x: Int, y: Int) {
        for v in 0..<image.height {
            for u in 0..<image.width {
                set(x + u, y + v, [UInt8](repeating: image.pixels[v * image.width + u], count: 3))
            }
        }
    }

    /// Draws a frame, two pixels thick, around `box` of a picture that was drawn at (x, y), scaled by `scale`.
    mutating func frame(_ box: PixelBox, scale: Double, x: Int, y: Int) {
        let left = x + Int((Double(box.x) * scale).rounded()) - 2,
            right = x + Int((Double(box.right) * scale).rounded()) + 1
        let top = y + Int((Double(box.y) * scale).rounded()) - 2,
            bottom = y + Int((Double(box.bottom) * scale).rounded()) + 1
        for inset in 0..<2 {
            for u in left...right {
                set(u, top + inset, [214, 39, 40])
                set(u, bottom - inset, [214, 39, 40])
            }
            for v in top...bottom {
                set(left + inset, v, [214, 39, 40])
                set(right - inset, v, [214, 39, 40])
            }
        }
    }

    mutating func enlarge(width: Int, height: Int, zoom: Int, x: Int, y: Int, colour: (Int) -> [UInt8]) {
        for row in 0..<height {
            for column in 0..<width {
                let colour = colour(row * width + column)
                for v in 0..<zoom {
                    for u in 0..<zoom { set(x + column * zoom + u, y + row * zoom + v, colour) }
                }
            }
        }
    }

    /// Draws text in a 5×7 font of the digits and `%`; other characters leave a gap.
    mutating func write(_ text: String, x: Int, y: Int, zoom: Int) {
        for (index, character) in text.enumerated() {
            guard let rows = Self.font[character] else { continue }
            for (row, bits) in rows.enumerated() {
                for column in 0..<5 where bits & (16 >> column) != 0 {
                    for v in 0..<zoom {
                        for u in 0..<zoom {
                            set(x + (6 * index + column) * zoom + u, y + row * zoom + v, [40, 40, 40])
                        }
                    }
                }
            }
        }
    }

    private static let font: [Character: [Int]] = [
        "0": [14, 17, 19, 21, 25, 17, 14], "1": [4, 12, 4, 4, 4, 4, 14], "2": [14, 17, 1, 2, 4, 8, 31],
        "3": [31, 2, 4, 2, 1, 17, 14], "4": [2, 6, 10, 18, 31, 2, 2], "5": [31, 16, 30, 1, 1, 17, 14],
        "6": [6, 8, 16, 30, 17, 17, 14], "7": [31, 1, 2, 4, 8, 8, 8], "8": [14, 17, 17, 14, 17, 17, 14],
        "9": [14, 17, 17, 15, 1, 2, 12], "%": [24, 25, 2, 4, 8, 19, 3],
    ]
}
