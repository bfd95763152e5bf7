import Datasets
import Foundation
import Pictures
import Tensors

/// A picture that digits are put on.
package struct Sheet {
    package let width: Int
    package let height: Int
    /// 0 paper to 1 ink.
    package var ink: [Float]

    package init(width: Int, height: Int) {
        (self.width, self.height) = (width, height)
        ink = [Float](repeating: 0, count: width * height)
    }

    package mutating func fill(x: Int, y: Int, width w: Int, height h: Int, _ value: Float = 1) {
        for v in max(y, 0)..<min(y + h, height) {
            for u in max(x, 0)..<min(x + w, width) { ink[v * width + u] = value }
        }
    }

    /// A digit of 28×28 bytes with its picture's corner at (x, y), each pixel `zoom` times as large.
    package mutating func put(_ digit: [UInt8], x: Int, y: Int, zoom: Int) {
        for v in 0..<(28 * zoom) {
            for u in 0..<(28 * zoom) where x + u < width && y + v < height {
                let value = Float(digit[v / zoom * 28 + u / zoom]) / 255
                ink[(y + v) * width + x + u] = max(ink[(y + v) * width + x + u], value)
            }
        }
    }

    /// Levels of `pen` ink on `paper`, whose brightness falls by `slope` (a share) from the left edge to the right.
    package func image(paper: Float, pen: Float, slope: Float = 0) -> GreyImage {
        var pixels: [UInt8] = []
        for y in 0..<height {
            for x in 0..<width {
                let light = 1 + slope * (0.5 - Float(x) / Float(max(width - 1, 1)))
                let value = paper * light * (1 - ink[y * width + x]) + pen * ink[y * width + x]
                pixels.append(UInt8(min(max(value.rounded(), 0), 255)))
            }
        }
        return GreyImage(width: width, height: height, pixels: pixels)
    }
}

/// Digits of the bundled sample.
package enum SampleDigits {
    package static let test = Result {
        var options = DataOptions()
        options.source = .sample
        return try DatasetLoader.load(options, seed: 0).loadTest().images
    }

    package static func digit(_ index: Int) throws -> (pixels: [UInt8], label: Int) {
        let set = try test.get()
        return (Array(set.images[(index * 784)..<((index + 1) * 784)]), Int(set.labels[index]))
    }

    /// Returns the first and the last column with ink.
    package static func columns(_ pixels: [UInt8]) -> (left: Int, right: Int) {
        let columns = (0..<28).filter { c in (0..<28).contains { pixels[$0 * 28 + c] > 80 } }
        return (columns.first ?? 0, columns.last ?? 27)
    }
}
