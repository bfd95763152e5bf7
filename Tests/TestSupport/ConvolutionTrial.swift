import Kernels

extension ReferenceConvolution {
    /// The same extents for the kernels, which take one image at a time.
    package var geometry: ConvolutionGeometry {
        ConvolutionGeometry(
            height: height, width: width, channels: channels, kernelHeight: kernelHeight, kernelWidth: kernelWidth,
            strideHeight: strideHeight, strideWidth: strideWidth, dilationHeight: dilationHeight,
            dilationWidth: dilationWidth, padTop: top, padLeft: left, outHeight: outHeight, outWidth: outWidth,
            filters: filters)
    }

    /// `count` shapes out of the product of everything awkward: 1×1 images, kernels larger than strides and than
    /// images, dilation, asymmetric and cropping padding, padding beyond the kernel, channels beside multiples of 16.
    package static func oddShapes(_ count: Int, seed: UInt64) -> [ReferenceConvolution] {
        let extents = [1, 2, 3, 5, 7, 8], kernels = [1, 2, 3, 5], channels = [1, 3, 5, 16, 17, 24, 33]
        let paddings = [(0, 0), (0, 0), (1, 1), (2, 2), (0, 1), (2, 0), (4, 6), (-1, 0), (0, -2), (3, -1)]
        var data = TestData(seed)
        func pick<T>(_ list: [T]) -> T { list[data.integers(1, limit: 1 << 20)[0] & 0xFFFF % list.count] }
        var shapes: [ReferenceConvolution] = []
        while shapes.count < count {
            if shapes.count % 10 == 9 {
                shapes.append(
                    ReferenceConvolution(
                        pick(extents), pick(extents), pick(channels), kernel: (1, 1), filters: pick(channels)))
                continue
            }
            var g = ReferenceConvolution(
                pick(extents), pick(extents), pick(channels), kernel: (pick(kernels), pick(kernels)),
                filters: pick(channels))
            (g.strideHeight, g.strideWidth) = pick([(1, 1), (1, 1), (2, 2), (3, 1), (1, 2)])
            (g.dilationHeight, g.dilationWidth) = pick([(1, 1), (1, 1), (2, 1), (2, 3)])
            (g.top, g.bottom) = pick(paddings)
            (g.left, g.right) = pick(paddings)
            let fits =
                g.height + g.top + g.bottom > g.dilationHeight * (g.kernelHeight - 1)
                && g.width + g.left + g.right > g.dilationWidth * (g.kernelWidth - 1)
            if fits { shapes.append(g) }
        }
        return shapes
    }
}

/// The kernels' convolution of one image with every buffer between canaries.
package struct ConvolutionTrial {
    package var y: [Float] = []
    package var dw: [Float] = []
    package var dx: [Float] = []
    /// Whether nothing but the results was written.
    package var isIntact = true
    /// Rows that `afterTile` reported.
    package var rowsSeen = 0

    /// - Parameter dwBefore: what the weight gradient is added to; nil overwrites NaN.
    package init(
        _ reference: ReferenceConvolution, tileRows: Int, x: [Float], w: [Float], bias: [Float]?, dy: [Float],
        dwBefore: [Float]? = nil
    ) {
        let g = reference.geometry
        let xs = GuardedFloats(x), ws = GuardedFloats(w), dys = GuardedFloats(dy)
        let ys = GuardedFloats(count: g.outputCount), dws = GuardedFloats(dwBefore ?? w.map { _ in .nan })
        let dxs = GuardedFloats(count: g.inputCount), prepared = GuardedFloats(count: g.weightCount)
        let biases = bias.map { GuardedFloats($0) }
        var depth = g.depth
        if g.hasUnitStride { depth = max(depth, g.inputGradientGeometry.depth) }
        let scratch = GuardedFloats(count: tileRows * depth)
        var rows = 0
        Convolution.forward(
            g, tileRows: tileRows, x: xs.pointer, w: ws.pointer, bias: biases.map { UnsafePointer($0.pointer) },
            y: ys.pointer, scratch: scratch.pointer
        ) { count, _ in rows += count }
        rowsSeen = rows
        Convolution.weightGradient(
            g, tileRows: tileRows, x: xs.pointer, dy: dys.pointer, dw: dws.pointer, accumulate: dwBefore != nil,
            scratch: scratch.pointer)
        Convolution.prepareWeights(g, w: ws.pointer, into: prepared.pointer)
        Convolution.inputGradient(
            g, tileRows: tileRows, dy: dys.pointer, preparedWeights: prepared.pointer, dx: dxs.pointer,
            scratch: scratch.pointer)
        (y, dw, dx) = (ys.values, dws.values, dxs.values)
        isIntact =
            [xs, ws, dys, ys, dws, dxs, prepared, scratch].allSatisfy(\.isIntact) && xs.values == x && ws.values == w
            && dys.values == dy
    }
}
