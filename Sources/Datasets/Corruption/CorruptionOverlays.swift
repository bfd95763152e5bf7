import Foundation
import Tensors

/// Corruptions laid over the image, the same on every channel.
extension Corruption {
    func invertStripe(_ image: inout MutableSpan<Float>) {
        let (width, channels) = (warp.width, warp.channels)
        for x in 0..<width where abs(Float(x) - Float(width - 1) / 2) < strength * Float(width) / 2 {
            for y in 0..<warp.height {
                for i in ((y * width + x) * channels)..<((y * width + x + 1) * channels) { image[i] = 1 - image[i] }
            }
        }
    }

    /// Adds a cloud: uniform values at the corners of squares, interpolated between them and summed over squares of
    /// half the image's longer side and of a half, a quarter and an eighth of that, each weighted half as much as the
    /// one before; stretched to [0, 1].
    func addFog(_ image: inout MutableSpan<Float>, _ stream: inout RandomStream) {
        let (height, width) = (warp.height, warp.width)
        var cloud = [Float](repeating: 0, count: height * width)
        for octave in 0..<4 {
            let weight = 1 / Float(1 << octave)
            let side = max(Float(max(height, width)) / 2 * weight, 1)
            let columns = Int(Float(width) / side) + 2, rows = Int(Float(height) / side) + 2
            let corners = (0..<(rows * columns)).map { _ in stream.uniform() }
            for y in 0..<height {
                for x in 0..<width {
                    let (u, v) = (Float(x) / side, Float(y) / side)
                    let (fu, fv) = (u - u.rounded(.down), v - v.rounded(.down))
                    let first = Int(v) * columns + Int(u)
                    let upper = (1 - fu) * corners[first] + fu * corners[first + 1]
                    let lower = (1 - fu) * corners[first + columns] + fu * corners[first + columns + 1]
                    cloud[y * width + x] += weight * ((1 - fv) * upper + fv * lower)
                }
            }
        }
        let low = cloud.min() ?? 0, high = cloud.max() ?? 0
        cover(&image) { i, x in (x + strength * (high > low ? (cloud[i] - low) / (high - low) : 0)) / (1 + strength) }
    }

    /// Raises the share `strength` of the pixels where smoothed noise is greatest to a grey of at least 0.75.
    func addDrops(_ image: inout MutableSpan<Float>, _ stream: inout RandomStream, _ buffer: inout [Float]) {
        let count = warp.height * warp.width
        var field = [Float](repeating: 0, count: count)
        var span = field.mutableSpan
        Noise.add(to: &span, deviation: 1, &stream)
        blur(&span, channels: 1, &buffer)
        let covered = min(Int((Double(strength) * Double(count)).rounded()), count)
        guard covered > 0 else { return }
        let limit = field.sorted(by: >)[covered - 1]
        cover(&image) { i, x in field[i] >= limit ? max(x, 0.75) : x }
    }

    /// Draws straight lines from edge to edge, left to right or top to bottom: dots 3 pixels apart, or a zigzag of 2
    /// pixels either way with a period of 6.
    func drawLines(_ image: inout MutableSpan<Float>, _ stream: inout RandomStream) {
        let (height, width) = (warp.height, warp.width)
        var ink = [Float](repeating: 0, count: height * width)
        for _ in 0..<Int(strength.rounded()) {
            let isUpright = stream.uniform() < 0.5
            let along = Float((isUpright ? height : width) - 1), across = Float((isUpright ? width : height) - 1)
            let from = stream.uniform() * across, to = stream.uniform() * across
            let step: Float = kind == .zigzag ? 0.5 : 3, radius: Float = kind == .zigzag ? 1.2 : 1.5
            for t in stride(from: Float(0), through: along, by: step) {
                let phase = t / 6 - (t / 6).rounded(.down)
                let swing = kind == .zigzag ? 4 * (2 * abs(phase - 0.5) - 0.5) : 0
                let s = from + (to - from) * t / max(along, 1) + swing
                dot(&ink, y: isUpright ? t : s, x: isUpright ? s : t, radius: radius)
            }
        }
        cover(&image) { i, x in max(x, ink[i]) }
    }

    /// Draws a disc, `radius − distance` clamped to [0, 1], where that exceeds the ink already there.
    private func dot(_ ink: inout [Float], y: Float, x: Float, radius: Float) {
        for row in Int((y - radius).rounded(.down))...Int((y + radius).rounded(.up)) {
            for column in Int((x - radius).rounded(.down))...Int((x + radius).rounded(.up)) {
                guard (0..<warp.height).contains(row), (0..<warp.width).contains(column) else { continue }
                let (dy, dx) = (Float(row) - y, Float(column) - x)
                let value = min(max(radius - (dy * dy + dx * dx).squareRoot(), 0), 1)
                ink[row * warp.width + column] = max(ink[row * warp.width + column], value)
            }
        }
    }

    /// Changes every value, given the index of its pixel.
    private func cover(_ image: inout MutableSpan<Float>, _ change: (Int, Float) -> Float) {
        for i in 0..<image.count { image[i] = change(i / warp.channels, image[i]) }
    }
}
