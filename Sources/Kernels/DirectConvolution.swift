import Tensors

/// Convolution of images with few channels, such as the first layer's, without a matrix product: its im2col matrix would
/// be narrow, so that building it costs more than multiplying with it.
///
/// The image is copied between borders of zeros once; then each tap `x·w[f…f+15]` is one multiply-add of 16 filters,
/// for four pixels at a time. Measured on the reference network's first layer (28×28×1, 3×3, 32 filters; AVX-512), against
/// im2col and GEMM: forward 1.5 times (at inference 2.3 times) as fast, weight gradient 3.8 times.
package struct DirectConvolution: Hashable, Sendable {
    package let geometry: ConvolutionGeometry
    private let padded: PaddedImage

    /// Taps of a kernel, `kH·kW·C`, up to which this pays.
    package static let largestDepth = 32

    /// - Precondition: ``isEligible(_:)``.
    package init(_ g: ConvolutionGeometry) {
        precondition(Self.isEligible(g), "direct convolution needs few taps, dilation 1 and filters in vectors of 16")
        geometry = g
        padded = PaddedImage(g)
    }

    /// Whether a convolution can and should be computed so: at most ``largestDepth`` taps, dilation 1, and 16 to 32 filters
    /// or a multiple of 16.
    package static func isEligible(_ g: ConvolutionGeometry) -> Bool {
        g.depth <= largestDepth && g.dilationHeight == 1 && g.dilationWidth == 1 && !g.isPointwise
            && (g.filters % 16 == 0 || (g.filters > 16 && g.filters < 32))
    }

    /// Floats of scratch: one image between its borders.
    package var scratchFloats: Int { padded.count }

    /// `y` of one image, `[outH, outW, F]`, overwritten; then bias and ReLU where given.
    package func forward(
        x: UnsafePointer<Float>, w: UnsafePointer<Float>, bias: UnsafePointer<Float>?, relu: Bool = false,
        y: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
    ) {
        let g = geometry, f = g.filters
        let image = scratch
        padded.fill(x, into: image)
        let span = g.kernelWidth &* g.channels, line = padded.width &* g.channels, step = g.strideWidth &* g.channels
        for group in stride(from: 0, to: f, by: 32) {
            let a = group, b = min(group &+ 16, f &- 16)
            for oy in 0..<g.outHeight {
                let top = image + oy &* g.strideHeight &* line
                let out = y + oy &* g.outWidth &* f
                var ox = 0
                while ox < g.outWidth {
                    // Four pixels; past the end of the row the last one again.
                    let last = g.outWidth &- 1
                    let o1 = min(ox &+ 1, last), o2 = min(ox &+ 2, last), o3 = min(ox &+ 3, last)
                    var a0 = SIMD16<Float>(), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0
                    var weights = w
                    for ky in 0..<g.kernelHeight {
                        let row = top + ky &* line
                        for t in 0..<span {
                            let wa = weights.lanes(a), wb = weights.lanes(b)
                            let x0 = row[ox &* step &+ t], x1 = row[o1 &* step &+ t]
                            let x2 = row[o2 &* step &+ t], x3 = row[o3 &* step &+ t]
                            a0.addProduct(wa, x0)
                            b0.addProduct(wb, x0)
                            a1.addProduct(wa, x1)
                            b1.addProduct(wb, x1)
                            a2.addProduct(wa, x2)
                            b2.addProduct(wb, x2)
                            a3.addProduct(wa, x3)
                            b3.addProduct(wb, x3)
                            weights += f
                        }
                    }
                    out.setLanes(ox &* f &+ a, a0)
                    out.setLanes(ox &* f &+ b, b0)
                    out.setLanes(o1 &* f &+ a, a1)
                    out.setLanes(o1 &* f &+ b, b1)
                    out.setLanes(o2 &* f &+ a, a2)
                    out.setLanes(o2 &* f &+ b, b2)
                    out.setLanes(o3 &* f &+ a, a3)
                    out.setLanes(o3 &* f &+ b, b3)
                    ox &+= 4
                }
            }
        }
        ColumnKernels.finish(y, rows: g.outRows, columns: f, bias: bias, relu: relu)
    }

    /// `dW (+)= im2col(X)ᵀ·dY` for one image, `[kH·kW·C, F]`; four taps at a time over all pixels in order.
    package func weightGradient(
        x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>, accumulate: Bool,
        scratch: UnsafeMutablePointer<Float>
    ) {
        let g = geometry, f = g.filters
        let image = scratch
        padded.fill(x, into: image)
        let span = g.kernelWidth &* g.channels, line = padded.width &* g.channels, step = g.strideWidth &* g.channels
        // Tap t of a window lies `offset(t)` floats after its corner.
        @inline(__always) func offset(_ tap: Int) -> Int { tap / span &* line &+ tap % span }
        for group in stride(from: 0, to: f, by: 32) {
            let a = group, b = min(group &+ 16, f &- 16)
            for first in stride(from: 0, to: g.depth, by: 4) {
                // Where fewer than four taps are left the last one goes along again and is stored again.
                let end = g.depth &- 1
                let t1 = min(first &+ 1, end), t2 = min(first &+ 2, end), t3 = min(first &+ 3, end)
                let p0 = offset(first), p1 = offset(t1), p2 = offset(t2), p3 = offset(t3)
                var a0 = SIMD16<Float>(), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0
                if accumulate {
                    (a0, b0) = (dw.lanes(first &* f &+ a), dw.lanes(first &* f &+ b))
                    (a1, b1) = (dw.lanes(t1 &* f &+ a), dw.lanes(t1 &* f &+ b))
                    (a2, b2) = (dw.lanes(t2 &* f &+ a), dw.lanes(t2 &* f &+ b))
                    (a3, b3) = (dw.lanes(t3 &* f &+ a), dw.lanes(t3 &* f &+ b))
                }
                var gradient = dy
                for oy in 0..<g.outHeight {
                    var corner = UnsafePointer(image + oy &* g.strideHeight &* line)
                    for _ in 0..<g.outWidth {
                        let ga = gradient.lanes(a), gb = gradient.lanes(b)
                        a0.addProduct(ga, corner[p0])
                        b0.addProduct(gb, corner[p0])
                        a1.addProduct(ga, corner[p1])
                        b1.addProduct(gb, corner[p1])
                        a2.addProduct(ga, corner[p2])
                        b2.addProduct(gb, corner[p2])
                        a3.addProduct(ga, corner[p3])
                        b3.addProduct(gb, corner[p3])
                        gradient += f
                        corner += step
                    }
                }
                dw.setLanes(first &* f &+ a, a0)
                dw.setLanes(first &* f &+ b, b0)
                dw.setLanes(t1 &* f &+ a, a1)
                dw.setLanes(t1 &* f &+ b, b1)
                dw.setLanes(t2 &* f &+ a, a2)
                dw.setLanes(t2 &* f &+ b, b2)
                dw.setLanes(t3 &* f &+ a, a3)
                dw.setLanes(t3 &* f &+ b, b3)
            }
        }
    }
}
