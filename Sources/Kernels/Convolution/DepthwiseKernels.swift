import Tensors

/// Depthwise convolution of one NHWC image: each channel has its own kernel in `w` `[kH, kW, C]`, and the geometry has
/// as many filters as channels. Channels are the vector lanes, 16 at a time; the sum for a pixel runs over the kernel's
/// rows, then its columns, in a register.
package enum DepthwiseKernels {
    /// Computes `y = x ∗ w (+ bias)`, then applies ReLU if requested.
    package static func forward(
        _ g: ConvolutionGeometry, x: UnsafePointer<Float>, w: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
        relu: Bool, y: UnsafeMutablePointer<Float>
    ) {
        check(g)
        let channels = g.channels, whole = channels & ~15
        for i in 0..<g.outHeight {
            let rows = taps(i &* g.strideHeight &- g.padTop, g.kernelHeight, g.dilationHeight, g.height)
            for j in 0..<g.outWidth {
                let columns = taps(j &* g.strideWidth &- g.padLeft, g.kernelWidth, g.dilationWidth, g.width)
                let target = y + (i &* g.outWidth &+ j) &* channels
                var c = 0
                while c < whole {
                    var sum = bias.map { $0.lanes(c) } ?? SIMD16()
                    for u in rows {
                        for v in columns { sum += x.lanes(g.pixel(i, j, u, v) &+ c) * w.lanes(g.tap(u, v) &+ c) }
                    }
                    target.setLanes(c, relu ? sum.replacing(with: 0, where: sum .< 0) : sum)
                    c &+= 16
                }
                while c < channels {
                    var sum = bias?[c] ?? 0
                    for u in rows {
                        for v in columns { sum += x[g.pixel(i, j, u, v) &+ c] * w[g.tap(u, v) &+ c] }
                    }
                    target[c] = relu && sum < 0 ? 0 : sum
                    c &+= 1
                }
            }
        }
    }

    /// Computes `dx` by gathering: each input pixel sums over the outputs that read it.
    package static func inputGradient(
        _ g: ConvolutionGeometry, dy: UnsafePointer<Float>, w: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>
    ) {
        check(g)
        let channels = g.channels, whole = channels & ~15
        for row in 0..<g.height {
            for column in 0..<g.width {
                let target = dx + (row &* g.width &+ column) &* channels
                var c = 0
                while c < channels {
                    var sum = SIMD16<Float>(), single: Float = 0
                    for u in 0..<g.kernelHeight {
                        let y = row &+ g.padTop &- u &* g.dilationHeight
                        guard y >= 0, y % g.strideHeight == 0, y / g.strideHeight < g.outHeight else { continue }
                        for v in 0..<g.kernelWidth {
                            let x = column &+ g.padLeft &- v &* g.dilationWidth
                            guard x >= 0, x % g.strideWidth == 0, x / g.strideWidth < g.outWidth else { continue }
                            let place = (y / g.strideHeight &* g.outWidth &+ x / g.strideWidth) &* channels &+ c
                            if c < whole {
                                sum += dy.lanes(place) * w.lanes(g.tap(u, v) &+ c)
                            } else {
                                single += dy[place] * w[g.tap(u, v) &+ c]
                            }
                        }
                    }
                    if c < whole {
                        target.setLanes(c, sum)
                        c &+= 16
                    } else {
                        target[c] = single
                        c &+= 1
                    }
                }
            }
        }
    }

    /// Adds the weight gradient, `dw += xᵀ ∗ dy`; each tap sums over the output's rows, then its columns.
    package static func addWeightGradient(
        _ g: ConvolutionGeometry, x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>
    ) {
        check(g)
        let channels = g.channels, whole = channels & ~15
        for u in 0..<g.kernelHeight {
            for v in 0..<g.kernelWidth {
                let target = dw + g.tap(u, v)
                var c = 0
                while c < channels {
                    var sum = SIMD16<Float>(), single: Float = 0
                    for i in 0..<g.outHeight {
                        let row = i &* g.strideHeight &- g.padTop &+ u &* g.dilationHeight
                        guard row >= 0, row < g.height else { continue }
                        for j in 0..<g.outWidth {
                            let column = j &* g.strideWidth &- g.padLeft &+ v &* g.dilationWidth
                            guard column >= 0, column < g.width else { continue }
                            let source = (row &* g.width &+ column) &* channels &+ c
                            let place = (i &* g.outWidth &+ j) &* channels &+ c
                            if c < whole {
                                sum += x.lanes(source) * dy.lanes(place)
                            } else {
                                single += x[source] * dy[place]
                            }
                        }
                    }
                    if c < whole {
                        target.setLanes(c, UnsafePointer(target).lanes(c) + sum)
                        c &+= 16
                    } else {
                        target[c] += single
                        c &+= 1
                    }
                }
            }
        }
    }

    private static func check(_ g: ConvolutionGeometry) {
        precondition(g.filters == g.channels, "DepthwiseKernels: as many filters as channels, received \(g.filters)")
    }

    /// The taps of a window along one axis that lie inside the image.
    @inline(__always)
    private static func taps(_ origin: Int, _ kernel: Int, _ dilation: Int, _ extent: Int) -> Range<Int> {
        let first = origin >= 0 ? 0 : (dilation &- 1 &- origin) / dilation
        let last = origin >= extent ? 0 : (extent &- 1 &- origin) / dilation &+ 1
        return min(first, kernel)..<max(min(first, kernel), min(last, kernel))
    }
}

extension ConvolutionGeometry {
    /// The offset of the input pixel read by tap (u, v) of output pixel (i, j).
    @inline(__always)
    fileprivate func pixel(_ i: Int, _ j: Int, _ u: Int, _ v: Int) -> Int {
        ((i &* strideHeight &- padTop &+ u &* dilationHeight) &* width &+ j &* strideWidth &- padLeft
            &+ v &* dilationWidth) &* channels
    }

    /// The offset of the weights of tap (u, v).
    @inline(__always)
    fileprivate func tap(_ u: Int, _ v: Int) -> Int { (u &* kernelWidth &+ v) &* channels }
}
