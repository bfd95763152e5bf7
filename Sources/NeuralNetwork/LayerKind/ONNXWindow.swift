/// The padding of a convolution or pooling window in ONNX's terms: padding added around the input, and rows or columns
/// cropped first. Negative padding means a crop in this project, which ONNX's `pads` cannot express.
///
/// Trailing padding is no more than the output needs: runtimes reject pooling with padding as large as the window.
struct ONNXWindow {
    /// Top, left, bottom and right padding, none negative.
    let pads: [Int]
    /// The same for a `Pad` before the layer, none positive; `nil` if nothing is cropped.
    let crop: [Int]?

    /// - Parameter node: A convolution or pooling layer with this geometry.
    init(_ node: ResolvedGraph.Node, _ geometry: ResolvedGraph.NodeGeometry) {
        let input = node.inputShapes[0], output = node.outputShape
        let (span, strides, before) = geometry.window
        let rows = Self.after(input.height, output.height, span.height, strides.height, before.height)
        let columns = Self.after(input.width, output.width, span.width, strides.width, before.width)
        let all = [before.height, before.width, rows, columns]
        pads = all.map { max($0, 0) }
        crop = all.contains { $0 < 0 } ? all.map { min($0, 0) } : nil
    }

    /// Returns the trailing padding of `extent` for exactly `out` windows; negative if another window would fit
    /// otherwise.
    private static func after(_ extent: Int, _ out: Int, _ span: Int, _ stride: Int, _ before: Int) -> Int {
        let needed = (out - 1) * stride + span - extent - before
        return needed < 0 && -needed < stride ? 0 : needed
    }
}

extension ResolvedGraph.NodeGeometry {
    /// The rows and columns that the window spans from first to last tap, its strides, and its leading padding.
    var window: (span: Size2D, strides: Size2D, before: Size2D) {
        switch self {
        case .convolution(let g):
            (
                Size2D(g.dilationHeight * (g.kernelHeight - 1) + 1, g.dilationWidth * (g.kernelWidth - 1) + 1),
                Size2D(g.strideHeight, g.strideWidth), Size2D(g.padTop, g.padLeft)
            )
        case .pooling(let g):
            (
                Size2D(g.dilationHeight * (g.windowHeight - 1) + 1, g.dilationWidth * (g.windowWidth - 1) + 1),
                Size2D(g.strideHeight, g.strideWidth), Size2D(g.padTop, g.padLeft)
            )
        }
    }
}
