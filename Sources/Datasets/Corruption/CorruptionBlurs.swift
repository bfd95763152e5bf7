import Foundation
import Tensors

/// What mixes values of different places.
extension Corruption {
    /// By the kind's Gaussian along rows, then along columns; zero outside.
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

    /// From the last pixel to the first, twice, each changes places with one up to the strength away along either axis, within
    /// the image; smoothed before and after.
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

    /// `Σ x(p + t·d)/n` over n = 2·⌈strength⌉ + 1 values of t from −strength/2 to strength/2, d of length 1, bilinear, zero
    /// outside.
    func blurAlongWay(_ image: inout MutableSpan<Float>, _ stream: inout RandomStream) {
        let (height, width, channels) = (warp.height, warp.width, warp.channels)
        let angle = Double(stream.uniform(in: -45...45)) * .pi / 180
        let count = 2 * Int(strength.rounded(.up)) + 1
        let old = (0..<image.count).map { image[$0] }
        func pixel(_ y: Int, _ x: Int, _ c: Int) -> Float {
            (0..<height).contains(y) && (0..<width).contains(x) ? old[(y * width + x) * channels + c] : 0
        }
        let steps = (0..<count).map { index in
            let t = Double(strength) * (Double(index) / Double(count - 1) - 0.5)
            return (x: Float(t * cos(angle)), y: Float(t * sin(angle)))
        }
        for y in 0..<height {
            for x in 0..<width {
                for c in 0..<channels {
                    var sum: Float = 0
                    for step in steps {
                        let left = step.x.rounded(.down), top = step.y.rounded(.down)
                        let (fx, fy) = (step.x - left, step.y - top)
                        let (x0, y0) = (x + Int(left), y + Int(top))
                        let upper = (1 - fx) * pixel(y0, x0, c) + fx * pixel(y0, x0 + 1, c)
                        let lower = (1 - fx) * pixel(y0 + 1, x0, c) + fx * pixel(y0 + 1, x0 + 1, c)
                        sum += (1 - fy) * upper + fy * lower
                    }
                    image[(y * width + x) * channels + c] = sum / Float(count)
                }
            }
        }
    }
}
