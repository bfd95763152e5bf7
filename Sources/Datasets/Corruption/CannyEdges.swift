import Foundation
import Tensors

/// Edge detection by J. Canny ("A computational approach to edge detection", 1986): smoothing by a Gaussian of one
/// pixel, gradients by Sobel's operator with edge pixels replicated beyond the border, non-maximum suppression across
/// the edge, and hysteresis from a fifth of the image's greatest gradient down to a tenth.
struct CannyEdges {
    let height: Int
    let width: Int

    /// Returns 1 on edges and 0 elsewhere, for an image that is already smoothed.
    func apply(_ smooth: [Float]) -> [Float] {
        var magnitude = [Float](repeating: 0, count: height * width)
        var across = [(y: Int, x: Int)](repeating: (0, 0), count: height * width)
        func pixel(_ y: Int, _ x: Int) -> Float {
            smooth[min(max(y, 0), height - 1) * width + min(max(x, 0), width - 1)]
        }
        for y in 0..<height {
            for x in 0..<width {
                var (gx, gy) = (Float(0), Float(0))
                for d in -1...1 {
                    let weight: Float = d == 0 ? 2 : 1
                    gx += weight * (pixel(y + d, x + 1) - pixel(y + d, x - 1))
                    gy += weight * (pixel(y + 1, x + d) - pixel(y - 1, x + d))
                }
                magnitude[y * width + x] = (gx * gx + gy * gy).squareRoot()
                across[y * width + x] = Self.direction(gy, gx)
            }
        }
        let greatest = magnitude.max() ?? 0
        guard greatest > 1e-6 else { return magnitude.map { _ in 0 } }
        func strength(_ y: Int, _ x: Int) -> Float {
            (0..<height).contains(y) && (0..<width).contains(x) ? magnitude[y * width + x] : 0
        }
        let isRidge = magnitude.indices.map { i in
            let (y, x, d) = (i / width, i % width, across[i])
            // Of two equal neighbours the first is kept, so that an edge between two pixels is one pixel wide.
            return magnitude[i] >= 0.1 * greatest && magnitude[i] > strength(y - d.y, x - d.x)
                && magnitude[i] >= strength(y + d.y, x + d.x)
        }
        var edges = magnitude.map { _ in Float(0) }
        var pending = magnitude.indices.filter { isRidge[$0] && magnitude[$0] >= 0.2 * greatest }
        for i in pending { edges[i] = 1 }
        while let i = pending.popLast() {
            for y in max(i / width - 1, 0)...min(i / width + 1, height - 1) {
                for x in max(i % width - 1, 0)...min(i % width + 1, width - 1) {
                    let neighbour = y * width + x
                    if isRidge[neighbour], edges[neighbour] == 0 {
                        edges[neighbour] = 1
                        pending.append(neighbour)
                    }
                }
            }
        }
        return edges
    }

    /// Returns the neighbour along the gradient, in the nearest of four directions.
    private static func direction(_ gy: Float, _ gx: Float) -> (y: Int, x: Int) {
        // tan 22.5°
        let slope: Float = 0.414_213_56
        if abs(gy) <= slope * abs(gx) { return (0, 1) }
        if abs(gx) <= slope * abs(gy) { return (1, 0) }
        return (gy < 0) == (gx < 0) ? (1, 1) : (1, -1)
    }
}

extension Corruption {
    /// Blends in each channel's own edges.
    func drawEdges(_ image: inout MutableSpan<Float>, _ buffer: inout [Float]) {
        let channels = warp.channels
        let old = (0..<image.count).map { image[$0] }
        blur(&image, channels: channels, &buffer)
        for c in 0..<channels {
            let smooth = stride(from: c, to: old.count, by: channels).map { image[$0] }
            let edges = CannyEdges(height: warp.height, width: warp.width).apply(smooth)
            for (pixel, edge) in edges.enumerated() {
                image[pixel * channels + c] = (1 - strength) * old[pixel * channels + c] + strength * edge
            }
        }
    }
}
