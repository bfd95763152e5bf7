import Tensors

/// The quantity to maximize: 16 channels of a pixel, from `channel` on, or a function of them.
private protocol PooledValue {
    func callAsFunction(_ x: SIMD16<Float>, _ channel: Int) -> SIMD16<Float>
}

private struct PixelItself: PooledValue {
    @inline(__always)
    func callAsFunction(_ x: SIMD16<Float>, _ channel: Int) -> SIMD16<Float> { x }
}

/// Max pooling of one image of at least 16 channels by windows that tile it. (Kept in one file with its callers: only
/// then does the compiler specialize the generic functions in every configuration.)
enum TiledPooling {
    /// Implements ``PoolingKernels/maximum``.
    static func maximum(
        _ g: PoolingGeometry, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>,
        argmax: UnsafeMutablePointer<Int32>?
    ) {
        maximum(g, x: x, y: y, argmax: argmax, chosen: nil, of: PixelItself())
    }

    /// Computes the largest `value` of each window; `chosen` receives the `x` at `argmax`.
    @inline(__always)
    fileprivate static func maximum<Value: PooledValue>(
        _ g: PoolingGeometry, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>,
        argmax: UnsafeMutablePointer<Int32>?, chosen: UnsafeMutablePointer<Float>?, of value: Value
    ) {
        // Constant extents let the compiler unroll the loop over a window.
        if g.windowHeight == 2 && g.windowWidth == 2 {
            maximum(g, 2, 2, x: x, y: y, argmax: argmax, chosen: chosen, of: value)
        } else {
            maximum(g, g.windowHeight, g.windowWidth, x: x, y: y, argmax: argmax, chosen: chosen, of: value)
        }
    }

    @inline(__always)
    private static func maximum<Value: PooledValue>(
        _ g: PoolingGeometry, _ windowHeight: Int, _ windowWidth: Int, x: UnsafePointer<Float>,
        y: UnsafeMutablePointer<Float>, argmax: UnsafeMutablePointer<Int32>?, chosen: UnsafeMutablePointer<Float>?,
        of value: Value
    ) {
        let c = g.channels
        var out = 0
        for oy in 0..<g.outHeight {
            for ox in 0..<g.outWidth {
                let first = oy &* windowHeight &* g.width &+ ox &* windowWidth
                // The last vector may overlap the previous one and recomputes the same values.
                var next = 0
                while next < c {
                    let channel = min(next, c &- 16)
                    var source = x.lanes(first &* c &+ channel)
                    var best = value(source, channel)
                    var place = SIMD16<Int32>(repeating: Int32(truncatingIfNeeded: first))
                    for dy in 0..<windowHeight {
                        for dx in 0..<windowWidth {
                            let index = first &+ dy &* g.width &+ dx
                            let pixel = x.lanes(index &* c &+ channel)
                            let value = value(pixel, channel)
                            let larger = .!(value .<= best) .& (best .== best)
                            best.replace(with: value, where: larger)
                            source.replace(with: pixel, where: larger)
                            place.replace(
                                with: SIMD16<Int32>(repeating: Int32(truncatingIfNeeded: index)), where: larger)
                        }
                    }
                    y.setLanes(out &+ channel, best)
                    chosen?.setLanes(out &+ channel, source)
                    if let argmax {
                        UnsafeMutableRawPointer(argmax).storeBytes(
                            of: place, toByteOffset: (out &+ channel) &* 4, as: SIMD16<Int32>.self)
                    }
                    next &+= 16
                }
                out &+= c
            }
        }
    }
}

/// Fused batch normalization of one image `[H, W, C]`, ReLU and max pooling by windows that tile it, in one pass each
/// way.
///
/// With `v = x·scale + shift` (then ReLU, if any), the forward pass is `y = max v` over each window. Neither `v` nor
/// its gradient is stored: the gradient is `dy` at the window's `argmax` and zero elsewhere. The sums of
/// ``BatchNormKernels/addGradientSums`` therefore need only `dy` and the chosen `x`, `[outH, outW, C]`.
package enum PooledBatchNormKernels {
    /// Whether these kernels support the pooling.
    package static func serve(_ g: PoolingGeometry) -> Bool { g.isTiling && g.channels >= 16 }

    /// Computes `y`, the `argmax` of ``PoolingKernels/maximum`` and the `x` there, `chosen`.
    /// - Precondition: ``serve(_:)``.
    package static func forward(
        _ g: PoolingGeometry, x: UnsafePointer<Float>, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
        relu: Bool, y: UnsafeMutablePointer<Float>, argmax: UnsafeMutablePointer<Int32>,
        chosen: UnsafeMutablePointer<Float>
    ) {
        TiledPooling.maximum(
            g, x: x, y: y, argmax: argmax, chosen: chosen,
            of: Normalized(scale: scale, shift: shift, floor: SIMD16(repeating: relu ? 0 : -.infinity)))
    }

    private struct Normalized: PooledValue {
        let scale, shift: UnsafePointer<Float>
        let floor: SIMD16<Float>

        @inline(__always)
        func callAsFunction(_ x: SIMD16<Float>, _ channel: Int) -> SIMD16<Float> {
            let value = shift.lanes(channel).addingProduct(x, scale.lanes(channel))
            // NaN must propagate, so the floor replaces only values below it.
            return value.replacing(with: floor, where: value .< floor)
        }
    }

    /// Computes `dx = scale·g + slope·(x − μ) + offset` as in ``BatchNormKernels/inputGradient``: `g` is `dy` at
    /// `argmax` where the ReLU, if any, is active, and zero elsewhere.
    /// - Precondition: ``serve(_:)``.
    package static func inputGradient(
        _ g: PoolingGeometry, dy: UnsafePointer<Float>, argmax: UnsafePointer<Int32>, x: UnsafePointer<Float>,
        mean: UnsafePointer<Float>, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
        slope: UnsafePointer<Float>, offset: UnsafePointer<Float>, relu: Bool, dx: UnsafeMutablePointer<Float>
    ) {
        let rows = BatchNormRows(mean: mean, scale: scale, shift: shift, slope: slope, offset: offset)
        // A constant width lets the compiler unroll the loop over it.
        if g.windowWidth == 2 {
            inputGradient(g, 2, dy: dy, argmax: argmax, x: x, rows: rows, relu: relu, dx: dx)
        } else {
            inputGradient(g, g.windowWidth, dy: dy, argmax: argmax, x: x, rows: rows, relu: relu, dx: dx)
        }
    }

    private struct BatchNormRows {
        var mean, scale, shift, slope, offset: UnsafePointer<Float>
    }

    /// Traverses the image in memory order, as it is not in cache; one window at a time took a fifth longer.
    @inline(__always)
    private static func inputGradient(
        _ g: PoolingGeometry, _ windowWidth: Int, dy: UnsafePointer<Float>, argmax: UnsafePointer<Int32>,
        x: UnsafePointer<Float>, rows: BatchNormRows, relu: Bool, dx: UnsafeMutablePointer<Float>
    ) {
        let c = g.channels, places = UnsafeRawPointer(argmax), zero = SIMD16<Float>()
        // Without a ReLU the bound is NaN, so that `<=` never holds.
        let closed = SIMD16<Float>(repeating: relu ? 0 : .nan)
        for iy in 0..<g.height {
            var out = iy / g.windowHeight &* g.outWidth &* c
            for ox in 0..<g.outWidth {
                let first = iy &* g.width &+ ox &* windowWidth
                // The last vector may overlap the previous one and rewrites the same values.
                var next = 0
                while next < c {
                    let channel = min(next, c &- 16)
                    let place = places.loadUnaligned(fromByteOffset: (out &+ channel) &* 4, as: SIMD16<Int32>.self)
                    let gradient = dy.lanes(out &+ channel)
                    let mean = rows.mean.lanes(channel), scale = rows.scale.lanes(channel)
                    let shift = rows.shift.lanes(channel), slope = rows.slope.lanes(channel)
                    let offset = rows.offset.lanes(channel)
                    for column in 0..<windowWidth {
                        let index = first &+ column
                        let value = x.lanes(index &* c &+ channel)
                        // Compare as vectors: a scalar operand is several times slower.
                        let here = place .== SIMD16<Int32>(repeating: Int32(truncatingIfNeeded: index))
                        let passes = here .& .!(shift.addingProduct(value, scale) .<= closed)
                        let centred = offset.addingProduct(slope, value - mean)
                        dx.setLanes(
                            index &* c &+ channel,
                            centred.addingProduct(scale, zero.replacing(with: gradient, where: passes)))
                    }
                    next &+= 16
                }
                out &+= c
            }
        }
    }
}
