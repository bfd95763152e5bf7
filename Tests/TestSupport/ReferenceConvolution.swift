/// Direct 2-D convolution of NHWC images, loop for loop as its formula says:
/// `y[n, oy, ox, f] = b[f] + Σ x[n, oy·sH + ky·dH − top, ox·sW + kx·dW − left, c] · w[ky, kx, c, f]`.
///
/// The slow twin of `Kernels.Convolution`. In `Int` it is exact.
package struct ReferenceConvolution: Sendable, Hashable {
    package var images, height, width, channels, filters: Int
    package var kernelHeight, kernelWidth: Int
    package var strideHeight = 1, strideWidth = 1
    package var dilationHeight = 1, dilationWidth = 1
    package var top = 0, bottom = 0, left = 0, right = 0

    package init(images: Int = 1, _ height: Int, _ width: Int, _ channels: Int, kernel: (Int, Int), filters: Int) {
        self.images = images
        self.height = height
        self.width = width
        self.channels = channels
        self.filters = filters
        (kernelHeight, kernelWidth) = kernel
    }

    package var outHeight: Int { (height + top + bottom - dilationHeight * (kernelHeight - 1) - 1) / strideHeight + 1 }
    package var outWidth: Int { (width + left + right - dilationWidth * (kernelWidth - 1) - 1) / strideWidth + 1 }
    package var inputCount: Int { images * height * width * channels }
    package var outputCount: Int { images * outHeight * outWidth * filters }
    package var weightCount: Int { kernelHeight * kernelWidth * channels * filters }

    /// Every product of the sum, as (index into x, into w, into y).
    @inline(__always)
    private func visit(_ body: (_ x: Int, _ w: Int, _ y: Int) -> Void) {
        for n in 0..<images {
            for oy in 0..<outHeight {
                for ox in 0..<outWidth {
                    let y = ((n * outHeight + oy) * outWidth + ox) * filters
                    for ky in 0..<kernelHeight {
                        let iy = oy * strideHeight + ky * dilationHeight - top
                        guard iy >= 0, iy < height else { continue }
                        for kx in 0..<kernelWidth {
                            let ix = ox * strideWidth + kx * dilationWidth - left
                            guard ix >= 0, ix < width else { continue }
                            let x = ((n * height + iy) * width + ix) * channels
                            let w = (ky * kernelWidth + kx) * channels
                            for c in 0..<channels {
                                for f in 0..<filters { body(x + c, (w + c) * filters + f, y + f) }
                            }
                        }
                    }
                }
            }
        }
    }

    @inline(__always)
    private func output<T: Numeric>(_ x: [T], _ w: [T], _ bias: [T]?) -> [T] {
        var y = [T](repeating: 0, count: outputCount)
        if let bias { for i in y.indices { y[i] = bias[i % filters] } }
        visit { y[$2] += x[$0] * w[$1] }
        return y
    }

    @inline(__always)
    private func gradients<T: Numeric>(_ x: [T], _ w: [T], _ dy: [T]) -> (dx: [T], dw: [T], db: [T]) {
        var dx = [T](repeating: 0, count: inputCount)
        var dw = [T](repeating: 0, count: weightCount)
        var db = [T](repeating: 0, count: filters)
        visit {
            dx[$0] += w[$1] * dy[$2]
            dw[$1] += x[$0] * dy[$2]
        }
        for i in dy.indices { db[i % filters] += dy[i] }
        return (dx, dw, db)
    }

    package func forward(x: [Double], w: [Double], bias: [Double]? = nil) -> [Double] { output(x, w, bias) }
    package func forward(x: [Int], w: [Int], bias: [Int]? = nil) -> [Int] { output(x, w, bias) }

    package func backward(x: [Double], w: [Double], dy: [Double]) -> (dx: [Double], dw: [Double], db: [Double]) {
        gradients(x, w, dy)
    }
    package func backward(x: [Int], w: [Int], dy: [Int]) -> (dx: [Int], dw: [Int], db: [Int]) { gradients(x, w, dy) }
}

/// A pooling window over NHWC images, as its definition says: the part of each window that lies inside the image.
package struct ReferencePooling: Sendable, Hashable {
    package var images, height, width, channels: Int
    package var windowHeight, windowWidth, strideHeight, strideWidth: Int
    package var top = 0, bottom = 0, left = 0, right = 0
    /// From one row or column of a window to the next.
    package var dilationHeight = 1, dilationWidth = 1

    package init(
        images: Int = 1, _ height: Int, _ width: Int, _ channels: Int, window: (Int, Int), stride: (Int, Int)
    ) {
        self.images = images
        self.height = height
        self.width = width
        self.channels = channels
        (windowHeight, windowWidth) = window
        (strideHeight, strideWidth) = stride
    }

    package var outHeight: Int {
        (height + top + bottom - dilationHeight * (windowHeight - 1) - 1) / strideHeight + 1
    }
    package var outWidth: Int { (width + left + right - dilationWidth * (windowWidth - 1) - 1) / strideWidth + 1 }
    package var inputCount: Int { images * height * width * channels }
    package var outputCount: Int { images * outHeight * outWidth * channels }

    /// The input indices under output `index`, row by row.
    func window(_ index: Int) -> [Int] {
        let c = index % channels, ox = index / channels % outWidth
        let oy = index / channels / outWidth % outHeight, n = index / channels / outWidth / outHeight
        var places: [Int] = []
        for v in 0..<windowHeight {
            for u in 0..<windowWidth {
                let iy = oy * strideHeight - top + v * dilationHeight
                let ix = ox * strideWidth - left + u * dilationWidth
                guard iy >= 0, iy < height, ix >= 0, ix < width else { continue }
                places.append(((n * height + iy) * width + ix) * channels + c)
            }
        }
        return places
    }

    /// The largest of each window and the input index of the first such one.
    package func maximum(x: [Double]) -> (y: [Double], places: [Int]) {
        var y: [Double] = [], places: [Int] = []
        for index in 0..<outputCount {
            var best = window(index)[0]
            for place in window(index) where x[place] > x[best] { best = place }
            y.append(x[best])
            places.append(best)
        }
        return (y, places)
    }

    package func maximumGradient(places: [Int], dy: [Double]) -> [Double] {
        var dx = [Double](repeating: 0, count: inputCount)
        for (index, place) in places.enumerated() { dx[place] += dy[index] }
        return dx
    }

    package func average(x: [Double]) -> [Double] {
        (0..<outputCount).map { index in
            let places = window(index)
            return places.reduce(0.0) { $0 + x[$1] } / Double(places.count)
        }
    }

    package func averageGradient(dy: [Double]) -> [Double] {
        var dx = [Double](repeating: 0, count: inputCount)
        for index in 0..<outputCount {
            let places = window(index)
            for place in places { dx[place] += dy[index] / Double(places.count) }
        }
        return dx
    }
}
