import Foundation
import Tensors

@testable import Datasets

/// The augmenter's naive twin: plain loops in Double, written from its documentation.
struct AugmentationReference {
    let options: AugmentationOptions
    let height: Int
    let width: Int
    let channels: Int
    let seed: UInt64

    func apply(_ image: [UInt8], epoch: Int, sampleIndex: Int) -> [Double] {
        let address = RandomAddress(
            seed: seed, purpose: .augmentation, major: UInt32(epoch), minor: UInt32(sampleIndex))
        var stream = RandomStream(address)
        let angle = Double(stream.uniform(in: -options.rotation...options.rotation)) * .pi / 180
        let scale = Double(stream.uniform(in: options.scale))
        let shear = Double(stream.uniform(in: -options.shear...options.shear))
        let shiftX = Double(stream.uniform(in: -options.translation...options.translation))
        let shiftY = Double(stream.uniform(in: -options.translation...options.translation))
        let elasticDraw = stream.uniform(), erasingDraw = stream.uniform()
        let isMirrored =
            options.horizontalFlip > 0
            && Double(address.block(15)[0] >> 8) / 16_777_216 < Double(options.horizontalFlip)
        var fields = [[Double]](repeating: [Double](repeating: 0, count: height * width), count: 2)
        if let elastic = options.elastic, elasticDraw < elastic.probability {
            let blocks = (height * width + 3) / 4
            for axis in 0..<2 {
                for pixel in 0..<(height * width) {
                    let word = address.block(UInt32(16 + axis * blocks + pixel / 4))[pixel % 4]
                    fields[axis][pixel] = Double(word >> 8) / 8_388_608 - 1
                }
                fields[axis] = smoothed(fields[axis], Double(elastic.sigma)).map { $0 * Double(elastic.alpha) }
            }
        }
        let centerX = Double(width - 1) / 2, centerY = Double(height - 1) / 2
        var output = [Double](repeating: 0, count: height * width * channels)
        for y in 0..<height {
            for x in 0..<width {
                let u = Double(x) - centerX - shiftX, v = Double(y) - centerY - shiftY
                // Undo scale, then rotation, then shear.
                let rotatedX = (cos(angle) * u + sin(angle) * v) / scale
                let rotatedY = (-sin(angle) * u + cos(angle) * v) / scale
                let sheared = rotatedX - shear * rotatedY
                let fromX = centerX + (isMirrored ? -sheared : sheared) + fields[0][y * width + x]
                let fromY = centerY + rotatedY + fields[1][y * width + x]
                for channel in 0..<channels {
                    output[(y * width + x) * channels + channel] = sample(image, fromX, fromY, channel)
                }
            }
        }
        if let erasing = options.erasing, erasingDraw < erasing.probability { erase(erasing, &stream, &output) }
        return output
    }

    private func sample(_ image: [UInt8], _ x: Double, _ y: Double, _ channel: Int) -> Double {
        func pixel(_ column: Int, _ row: Int) -> Double {
            guard (0..<width).contains(column), (0..<height).contains(row) else { return 0 }
            return Double(image[(row * width + column) * channels + channel]) / 255
        }
        let column = Int(x.rounded(.down)), row = Int(y.rounded(.down))
        let fx = x - Double(column), fy = y - Double(row)
        return (1 - fy) * ((1 - fx) * pixel(column, row) + fx * pixel(column + 1, row))
            + fy * ((1 - fx) * pixel(column, row + 1) + fx * pixel(column + 1, row + 1))
    }

    /// Every pair of pixels with the Gaussian's two-dimensional weight.
    private func smoothed(_ field: [Double], _ sigma: Double) -> [Double] {
        let reach = Int((4 * sigma).rounded())
        var sum = 0.0
        for d in -reach...reach { sum += exp(-Double(d * d) / (2 * sigma * sigma)) }
        var output = [Double](repeating: 0, count: field.count)
        for y in 0..<height {
            for x in 0..<width {
                for row in max(0, y - reach)...min(height - 1, y + reach) {
                    for column in max(0, x - reach)...min(width - 1, x + reach) {
                        let distance = (row - y) * (row - y) + (column - x) * (column - x)
                        let weight = exp(-Double(distance) / (2 * sigma * sigma)) / (sum * sum)
                        output[y * width + x] += weight * field[row * width + column]
                    }
                }
            }
        }
        return output
    }

    private func erase(
        _ erasing: AugmentationOptions.Erasing, _ stream: inout RandomStream, _ output: inout [Double]
    ) {
        for _ in 0..<10 {
            // In Float, as rounding decides on whole rows and columns.
            let area = stream.uniform(in: erasing.area) * Float(height * width)
            let ratio = stream.uniform(in: erasing.aspectRatio)
            let rows = max(1, Int((area * ratio).squareRoot().rounded()))
            let columns = max(1, Int((area / ratio).squareRoot().rounded()))
            if rows > height || columns > width { continue }
            let top = stream.integer(below: height - rows + 1), left = stream.integer(below: width - columns + 1)
            for y in top..<(top + rows) {
                for x in left..<(left + columns) {
                    for channel in 0..<channels { output[(y * width + x) * channels + channel] = 0 }
                }
            }
            return
        }
    }
}
