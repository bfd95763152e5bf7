/// The part of an NHWC image covered by a convolution's windows, copied with zero padding so that every tap of every
/// window lies inside.
struct PaddedImage: Hashable, Sendable {
    private let geometry: ConvolutionGeometry
    let height, width: Int

    init(_ g: ConvolutionGeometry) {
        geometry = g
        height = (g.outHeight - 1) * g.strideHeight + (g.kernelHeight - 1) * g.dilationHeight + 1
        width = (g.outWidth - 1) * g.strideWidth + (g.kernelWidth - 1) * g.dilationWidth + 1
    }

    var count: Int { height * width * geometry.channels }

    /// Copies `x` `[H, W, C]` to `target`, which holds ``count`` floats.
    func fill(_ x: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>) {
        let g = geometry, c = g.channels
        let left = max(0, g.padLeft), skipped = max(0, -g.padLeft)
        let columns = max(0, min(g.width - skipped, width - left))
        for row in 0..<height {
            let line = target + row * width * c, source = row - g.padTop
            guard source >= 0, source < g.height, columns > 0 else {
                line.update(repeating: 0, count: width * c)
                continue
            }
            line.update(repeating: 0, count: left * c)
            (line + left * c).update(from: x + (source * g.width + skipped) * c, count: columns * c)
            (line + (left + columns) * c).update(repeating: 0, count: (width - left - columns) * c)
        }
    }
}
