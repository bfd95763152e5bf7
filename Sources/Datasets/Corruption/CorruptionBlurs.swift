import Foundation
import Tensors

/// Corruptions that mix values of different positions.
extension Corruption {
    /// Smooths with the kind's Gaussian along rows, then along columns; zero outside.
    /// - Parameter image: `[H, W, channels]`.
    func blur(_ image: inout MutableSpan<Float>, channels: Int, _ buffer: inout [Float]) {
        let (height, width) = (warp.height, warp.width)
        let taps = gaussian.span
        let radius = taps.count - 1
        var rows = buffer.mutableSpan
        for y in 0..<height {
            for x in 0..<width {
                for c in 0..<channels {
                    var sum: Float = 0
                    for k in max(x - radius, 0)...min(x + radius, width - 1) {
                        sum += taps[abs(k &- x)] * image[(y &* width &+ k) &* channels &+ c]
                    }
                    rows[(y &* width &+ x) &* channels &+ c] = sum
                }
            }
        }
        let pitch = width * channels
        for y in 0..<height {
            for i in 0..<pitch {
                var sum: Float = 0
                for k in max(y - radius, 0)...min(y + radius, height - 1) {
                    sum += taps[abs(k &- y)] * rows[k &* pitch &+ i]
                }
                image[y &* pitch &+ i] = sum
            }
        }
    }

    /// Swaps each pixel, from the last to the first and twice, with one up to ⌈strength⌉ away along either axis, within
    /// the image; smooths before and after.
    func blurAsGlass(_ image: inout MutableSpan<Float>, _ stream: inout RandomStream, _ buffer: inout [Float]) {
        let (height, width, channels) = (warp.height, warp.width, warp.channels)
        let reach = Int(strength.rounded(.up))
        blur(&image, channels: channels, &buffer)
        for _ in 0..<2 {
            for y in (0..<height).reversed() {
                for x in (0..<width).reversed() {
                    let otherY = min(max(y + stream.integer(below: 2 * reach + 1) - reach, 0), height - 1)
                    let otherX = min(max(x + stream.integer(below: 2 * reach + 1) - reach, 0), width - 1)
                    for c in 0..<channels {
                        image.swapAt((y * width + x) * channels + c, (otherY * width + otherX) * channels + c)
                    }
                }
            }
        }
        blur(&image, channels: channels, &buffer)
    }

    /// Averages shifted images: `Σ x(p + t·d)/n` over n = 2·⌈strength⌉ + 1 values of t from −strength/2 to strength/2,
    /// with d of length 1.
    func blurAlongWay(_ image: inout MutableSpan<Float>, _ stream: inout RandomStream, _ padded: inout [Float]) {
        let angle = Double(stream.uniform(in: -45...45)) * .pi / 180
        let count = 2 * Int(strength.rounded(.up)) + 1
        let old = (0..<image.count).map { image[$0] }
        var shifted = old
        for i in 0..<image.count { image[i] = 0 }
        for index in 0..<count {
            let t = Double(strength) * (0.5 - Double(index) / Double(count - 1))
            let map = Augmenter.Map(
                rotation: 0, scale: 1, shear: 0, shiftX: Float(t * cos(angle)), shiftY: Float(t * sin(angle)))
            var span = shifted.mutableSpan
            warp.resample(old.span, map, displacements: [], padded: &padded, into: &span)
            for i in 0..<image.count { image[i] += shifted[i] / Float(count) }
        }
    }
}
