import Tensors

/// What a maximum is taken of: 16 channels of a pixel, from `channel` on, or something made of them.
private protocol PooledValue {
    func callAsFunction(_ x: SIMD16<Float>, _ channel: Int) -> SIMD16<Float>
}

private struct PixelItself: PooledValue {
    @inline(__always)
    func callAsFunction(_ x: SIMD16<Float>, _ channel: Int) -> SIMD16<Float> { x }
}

/// Max pooling of one image whose windows tile it, of 16 channels or more. (In one file with its callers: only there does
/// the compiler make a function of each for itself, in every configuration.)
enum TiledPooling {
    /// ``PoolingKernels/maximum``.
    static func maximum(
        _ g: PoolingGeometry, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>,
        argmax: UnsafeMutablePointer<Int32>?
    ) {
        maximum(g, x: x, y: y, argmax: argmax, chosen: nil, of: PixelItself())
    }

    /// The largest `value` of each window; `chosen` gets the `x` at `argmax`.
    @inline(__always)
    fileprivate static func maximum<Value: PooledValue>(
        _ g: PoolingGeometry, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>,
        argmax: UnsafeMutablePointer<Int32>?, chosen: UnsafeMutablePointer<Float>?, of value: Value
    ) {
        // With the extents known, the loop over a window is none.
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
                // The last 16 channels may overlap those before: they come to the same once more.
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

/// Batch normalisation of one image `[H, W, C]`, ReLU and max pooling in windows that tile it, in one pass each way.
///
/// With `v = x·scale + shift` (then ReLU where there is one), forward is `y = max v` over each window, which stores neither
/// `v` nor, on the way back, its gradient: that is `dy` at the window's `argmax` and zero elsewhere. So the sums of
/// ``BatchNormKernels/addGradientSums`` need only `dy` and the `x` that was chosen, `[outH, outW, C]`.
package enum PooledBatchNormKernels {
    /// Whether these kernels serve such a pooling.
    package static func serve(_ g: PoolingGeometry) -> Bool { g.isTiling && g.channels >= 16 }

    /// `y`, the `argmax` of ``PoolingKernels/maximum`` and the `x` there, `chosen`.
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
            // A NaN must stay one, so the floor replaces only what is below it.
            return value.replacing(with: floor, where: value .< floor)
        }
    }

    /// `dx = scale·g + slope·(x − μ) + offset`, see ``BatchNormKernels/inputGradient``: `g` is `dy` at `argmax` where the
    /// ReLU, if there is one, let it through, and zero elsewhere.
    /// - Precondition: ``serve(_:)``.
    package static func inputGradient(
        _ g: PoolingGeometry, dy: UnsafePointer<Float>, argmax: UnsafePointer<Int32>, x: UnsafePointer<Float>,
        mean: UnsafePointer<Float>, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
        slope: UnsafePointer<Float>, offset: UnsafePointer<Float>, relu: Bool, dx: UnsafeMutablePointer<Float>
    ) {
        let rows = BatchNormRows(mean: mean, scale: scale, shift: shift, slope: slope, offset: offset)
        // With the width known, the loop over it is none.
        if g.windowWidth == 2 {
            inputGradient(g, 2, dy: dy, argmax: argmax, x: x, rows: rows, relu: relu, dx: dx)
        } else {
            inputGradient(g, g.windowWidth, dy: dy, argmax: argmax, x: x, rows: rows, relu: relu, dx: dx)
        }
    }

    private struct BatchNormRows {
        var mean, scale, shift, slope, offset: UnsafePointer<Float>
    }

    /// Goes through the image as it lies in memory, for it is not in cache: a window at a time took a fifth longer.
    @inline(__always)
    private static func inputGradient(
        _ g: PoolingGeometry, _ windowWidth: Int, dy: UnsafePointer<Float>, argmax: UnsafePointer<Int32>,
        x: UnsafePointer<Float>, rows: BatchNormRows, relu: Bool, dx: UnsafeMutablePointer<Float>
    ) {
        let c = g.channels, places = UnsafeRawPointer(argmax), zero = SIMD16<Float>()
        // Nothing is at most NaN.
        let closed = SIMD16<Float>(repeating: relu ? 0 : .nan)
        for iy in 0..<g.height {
            var out = iy / g.windowHeight &* g.outWidth &* c
            for ox in 0..<g.outWidth {
                let first = iy &* g.width &+ ox &* windowWidth
                // The last 16 channels may overlap those before: they are written the same once more.
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
                        // Compared as vectors: a scalar on one side is several times slower.
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
