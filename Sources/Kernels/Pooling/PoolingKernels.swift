import Tensors

/// The extents of a pooling window over one NHWC image.
package struct PoolingGeometry: Hashable, Sendable {
    package var height, width, channels: Int
    package var windowHeight, windowWidth: Int
    package var strideHeight, strideWidth: Int
    /// The distances of the window's rows and columns.
    package var dilationHeight, dilationWidth: Int
    package var padTop, padLeft: Int
    package var outHeight, outWidth: Int

    package init(
        height: Int, width: Int, channels: Int, windowHeight: Int, windowWidth: Int, strideHeight: Int,
        strideWidth: Int, dilationHeight: Int = 1, dilationWidth: Int = 1, padTop: Int = 0, padLeft: Int = 0,
        outHeight: Int, outWidth: Int
    ) {
        self.dilationHeight = dilationHeight
        self.dilationWidth = dilationWidth
        self.height = height
        self.width = width
        self.channels = channels
        self.windowHeight = windowHeight
        self.windowWidth = windowWidth
        self.strideHeight = strideHeight
        self.strideWidth = strideWidth
        self.padTop = padTop
        self.padLeft = padLeft
        self.outHeight = outHeight
        self.outWidth = outWidth
    }

    package var inputCount: Int { height * width * channels }
    package var outputCount: Int { outHeight * outWidth * channels }

    /// Whether the windows tile the image: each pixel lies in exactly one.
    package var isTiling: Bool {
        padTop == 0 && padLeft == 0 && dilationHeight == 1 && dilationWidth == 1 && strideHeight == windowHeight
            && strideWidth == windowWidth
            && outHeight * windowHeight == height && outWidth * windowWidth == width
    }

    /// Whether every window has a pixel of the image.
    package var everyWindowMeetsTheImage: Bool {
        (0..<outHeight).allSatisfy { window($0, 0).rows.count > 0 }
            && (0..<outWidth).allSatisfy { window(0, $0).columns.count > 0 }
    }

    /// Whether no pixel lies in two windows.
    fileprivate var isApart: Bool {
        strideHeight > dilationHeight * (windowHeight - 1) && strideWidth > dilationWidth * (windowWidth - 1)
    }

    /// The rows or columns of a window that lie inside the image.
    struct Taps: Sequence, IteratorProtocol {
        private(set) var first: Int
        private(set) var count: Int
        private let step: Int

        /// - Parameter start: Where the window begins, perhaps outside the image.
        @inline(__always)
        fileprivate init(start: Int, window: Int, step: Int, extent: Int) {
            let skipped = start < 0 ? (step &- 1 &- start) / step : 0
            first = start &+ skipped &* step
            let inside = first < extent ? (extent &- first &+ step &- 1) / step : 0
            count = Swift.max(0, Swift.min(window &- skipped, inside))
            self.step = step
        }

        @inline(__always)
        mutating func next() -> Int? {
            guard count > 0 else { return nil }
            defer {
                first &+= step
                count &-= 1
            }
            return first
        }
    }

    /// The rows and columns of the window at (`oy`, `ox`) that lie inside the image.
    @inline(__always)
    fileprivate func window(_ oy: Int, _ ox: Int) -> (rows: Taps, columns: Taps) {
        (
            Taps(
                start: oy &* strideHeight &- padTop, window: windowHeight, step: dilationHeight, extent: height),
            Taps(start: ox &* strideWidth &- padLeft, window: windowWidth, step: dilationWidth, extent: width)
        )
    }
}

/// Max and average pooling of one NHWC image `[H, W, C]` to `[outH, outW, C]`.
package enum PoolingKernels {
    /// Computes the maximum of each window. `argmax` (nil at inference) receives the index `iy·W + ix` of its first
    /// occurrence, to which the gradient flows. A NaN in the window propagates.
    package static func maximum(
        _ g: PoolingGeometry, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>,
        argmax: UnsafeMutablePointer<Int32>?
    ) {
        let c = g.channels
        if c >= 16 && g.isTiling {
            TiledPooling.maximum(g, x: x, y: y, argmax: argmax)
            return
        }
        for oy in 0..<g.outHeight {
            for ox in 0..<g.outWidth {
                let out = (oy &* g.outWidth &+ ox) &* c
                let (rows, columns) = g.window(oy, ox)
                // The last vector may overlap the previous one and recomputes the same values.
                var next = 0
                while next < c, c >= 16 {
                    let channel = min(next, c &- 16)
                    let first = rows.first &* g.width &+ columns.first
                    var best = x.lanes(first &* c &+ channel)
                    var place = SIMD16<Int32>(repeating: Int32(truncatingIfNeeded: first))
                    for iy in rows {
                        for ix in columns {
                            let index = iy &* g.width &+ ix
                            let value = x.lanes(index &* c &+ channel)
                            let larger = .!(value .<= best) .& (best .== best)
                            best.replace(with: value, where: larger)
                            place.replace(
                                with: SIMD16<Int32>(repeating: Int32(truncatingIfNeeded: index)), where: larger)
                        }
                    }
                    y.setLanes(out &+ channel, best)
                    if let argmax {
                        UnsafeMutableRawPointer(argmax).storeBytes(
                            of: place, toByteOffset: (out &+ channel) &* 4, as: SIMD16<Int32>.self)
                    }
                    next &+= 16
                }
                for channel in next..<max(next, c) {
                    let first = rows.first &* g.width &+ columns.first
                    var best = x[first &* c &+ channel]
                    var place = first
                    for iy in rows {
                        for ix in columns {
                            let index = iy &* g.width &+ ix
                            let value = x[index &* c &+ channel]
                            if !(value <= best) && best == best {
                                best = value
                                place = index
                            }
                        }
                    }
                    y[out &+ channel] = best
                    if let argmax { argmax[out &+ channel] = Int32(truncatingIfNeeded: place) }
                }
            }
        }
    }

    /// Computes `dx`, overwritten: the gradient of each output is added at its `argmax`.
    package static func maximumGradient(
        _ g: PoolingGeometry, dy: UnsafePointer<Float>, argmax: UnsafePointer<Int32>, dx: UnsafeMutablePointer<Float>
    ) {
        let c = g.channels
        if c >= 16 && g.isApart {
            apartGradient(g, dy: dy, argmax: argmax, dx: dx)
            return
        }
        dx.update(repeating: 0, count: g.inputCount)
        var out = 0
        for _ in 0..<g.outHeight &* g.outWidth {
            for channel in 0..<c {
                dx[Int(argmax[out]) &* c &+ channel] += dy[out]
                out &+= 1
            }
        }
    }

    /// The gradient for non-overlapping windows: each pixel is written once, with its window's gradient or zero.
    private static func apartGradient(
        _ g: PoolingGeometry, dy: UnsafePointer<Float>, argmax: UnsafePointer<Int32>, dx: UnsafeMutablePointer<Float>
    ) {
        let c = g.channels
        if !g.isTiling { dx.update(repeating: 0, count: g.inputCount) }
        let places = UnsafeRawPointer(argmax), zero = SIMD16<Float>()
        for oy in 0..<g.outHeight {
            for ox in 0..<g.outWidth {
                let out = (oy &* g.outWidth &+ ox) &* c
                let (rows, columns) = g.window(oy, ox)
                for iy in rows {
                    for ix in columns {
                        let index = iy &* g.width &+ ix
                        // Compare as vectors: a scalar operand is several times slower.
                        let here = SIMD16<Int32>(repeating: Int32(truncatingIfNeeded: index))
                        // The last vector may overlap the previous one and rewrites the same values.
                        var next = 0
                        while next < c {
                            let channel = min(next, c &- 16)
                            let place = places.loadUnaligned(
                                fromByteOffset: (out &+ channel) &* 4, as: SIMD16<Int32>.self)
                            dx.setLanes(
                                index &* c &+ channel,
                                zero.replacing(with: dy.lanes(out &+ channel), where: place .== here)
                            )
                            next &+= 16
                        }
                    }
                }
            }
        }
    }

    /// Computes the mean of the part of each window that lies inside the image.
    package static func average(_ g: PoolingGeometry, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>) {
        let c = g.channels
        for oy in 0..<g.outHeight {
            for ox in 0..<g.outWidth {
                let target = y + (oy &* g.outWidth &+ ox) &* c
                let (rows, columns) = g.window(oy, ox)
                target.update(repeating: 0, count: c)
                for iy in rows {
                    for ix in columns { add(x + (iy &* g.width &+ ix) &* c, 1, c, target) }
                }
                let share = 1 / Float(rows.count &* columns.count)
                for channel in 0..<c { target[channel] *= share }
            }
        }
    }

    /// Computes `dx`, overwritten: the gradient of each output is distributed evenly over its window.
    package static func averageGradient(
        _ g: PoolingGeometry, dy: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>
    ) {
        dx.update(repeating: 0, count: g.inputCount)
        let c = g.channels
        for oy in 0..<g.outHeight {
            for ox in 0..<g.outWidth {
                let source = dy + (oy &* g.outWidth &+ ox) &* c
                let (rows, columns) = g.window(oy, ox)
                let share = 1 / Float(rows.count &* columns.count)
                for iy in rows {
                    for ix in columns { add(source, share, c, dx + (iy &* g.width &+ ix) &* c) }
                }
            }
        }
    }

    @inline(__always)
    private static func add(
        _ x: UnsafePointer<Float>, _ factor: Float, _ count: Int, _ y: UnsafeMutablePointer<Float>
    ) {
        let factors = SIMD16<Float>(repeating: factor)
        var i = 0
        while i &+ 16 <= count {
            y.setLanes(i, y.lanes(i).addingProduct(factors, x.lanes(i)))
            i &+= 16
        }
        while i < count {
            y[i] = y[i].addingProduct(factor, x[i])
            i &+= 1
        }
    }
}
