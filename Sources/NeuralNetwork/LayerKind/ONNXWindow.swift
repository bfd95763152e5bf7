/// Where a convolution or pooling window lies over its input, in ONNX's terms: zeros (or nothing) added around it, and
/// rows or columns taken away first, which this project's negative padding means and ONNX's `pads` cannot.
///
/// Only what the output needs is added behind: runtimes refuse pooling with padding as large as the window.
struct ONNXWindow {
    /// Top, left, bottom, right, none negative.
    let pads: [Int]
    /// The same for a `Pad` before the layer, none positive; nil where nothing is cropped.
    let crop: [Int]?

    /// - Parameter node: a convolution or pooling layer, of this geometry.
    init(_ node: ResolvedGraph.Node, _ geometry: ResolvedGraph.NodeGeometry) {
        let input = node.inputShapes[0], output = node.outputShape
        let (span, strides, before) = geometry.window
        let rows = Self.after(input.height, output.height, span.height, strides.height, before.height)
        let columns = Self.after(input.width, output.width, span.width, strides.width, before.width)
        let all = [before.height, before.width, rows, columns]
        pads = all.map { max($0, 0) }
        crop = all.contains { $0 < 0 } ? all.map { min($0, 0) } : nil
    }

    /// What `extent` needs behind it for exactly `out` windows; negative where a window more would fit otherwise.
    private static func after(_ extent: Int, _ out: Int, _ span: Int, _ stride: Int, _ before: Int) -> Int {
        let needed = (out - 1) * stride + span - extent - before
        return needed < 0 && -needed < stride ? 0 : needed
    }
}

extension ResolvedGraph.NodeGeometry {
    /// Rows and columns from the window's first tap to its last, between two windows, and of padding in front.
    var window: (span: Size2D, strides: Size2D, before: Size2D) {
        switch self {
        case .convolution(let g):
            (
                Size2D(g.dilationHeight * (g.kernelHeight - 1) + 1, g.dilationWidth * (g.kernelWidth - 1) + 1),
                Size2D(g.strideHeight, g.strideWidth), Size2D(g.padTop, g.padLeft)
            )
        case .pooling(let g):
            (
                Size2D(g.windowHeight, g.windowWidth), Size2D(g.strideHeight, g.strideWidth),
                Size2D(g.padTop, g.padLeft)
            )
        }
    }
}
