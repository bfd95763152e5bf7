/// Where a convolution or pooling window lies over its input, in ONNX's terms: zeros (or nothing) added around it, and
/// rows or columns taken away first, which this project's negative padding means and ONNX's `pads` cannot.
///
/// Only what the output needs is added behind: runtimes refuse pooling with padding as large as the window.
struct ONNXWindow {
    /// Top, left, bottom, right, none negative.
    let pads: [Int]
    /// The same for a `Pad` before the layer, none positive; nil where nothing is cropped.
    let crop: [Int]?

    /// - Parameters:
    ///   - node: a convolution or pooling layer.
    ///   - span: rows and columns from the window's first tap to its last, `d·(k − 1) + 1`.
    init(_ node: ResolvedGraph.Node, span: Size2D, strides: Size2D, padding: Padding) {
        let input = node.inputShapes[0], output = node.outputShape
        var before = (top: 0, left: 0)
        switch padding {
        case .valid: break
        case .same:
            before.top = max(0, (output.height - 1) * strides.height + span.height - input.height) / 2
            before.left = max(0, (output.width - 1) * strides.width + span.width - input.width) / 2
        case .explicit(let top, _, let left, _): before = (top, left)
        }
        let rows = Self.after(input.height, output.height, span.height, strides.height, before.top)
        let columns = Self.after(input.width, output.width, span.width, strides.width, before.left)
        let all = [before.top, before.left, rows, columns]
        pads = all.map { max($0, 0) }
        crop = all.contains { $0 < 0 } ? all.map { min($0, 0) } : nil
    }

    /// What `extent` needs behind it for exactly `out` windows; negative where a window more would fit otherwise.
    private static func after(_ extent: Int, _ out: Int, _ span: Int, _ stride: Int, _ before: Int) -> Int {
        let needed = (out - 1) * stride + span - extent - before
        return needed < 0 && -needed < stride ? 0 : needed
    }
}
