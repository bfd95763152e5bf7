import Formats
import Kernels
import LinearAlgebra
import Tensors

extension Layer {
    /// Transposed convolution, `[H, W, C]` to `[H', W', F]`, the gradient of a convolution with respect to its input:
    /// each pixel adds its scaled kernel, `y[s·i + d·u − top, s·j + d·v − left, f] += x[i, j, c] · w[u, v, f, c]`, and
    /// b[f] is added to all. Has k·k·F·C parameters, and F more with `useBias`; `H·W·k·k·F·C` multiply-adds, by GEMM
    /// and col2im.
    ///
    /// `H' = (H − 1)·s + d·(k − 1) + 1`, less the rows that `padding` crops: none for `valid`, as many as make
    /// `H' = s·H` for `same`. M. Zeiler et al. 2010, "Deconvolutional networks"; V. Dumoulin, F. Visin 2016,
    /// arXiv:1603.07285.
    public static func conv2dTranspose(
        filters: Int, kernelSize: Size2D, strides: Size2D = Size2D(1), padding: Padding = .valid,
        dilation: Size2D = Size2D(1), useBias: Bool = true, initializer: Initializer? = nil
    ) -> Layer {
        Layer(
            Conv2DTranspose(
                filters: filters, kernelSize: kernelSize, strides: strides, padding: padding, dilation: dilation,
                useBias: useBias, initializer: initializer))
    }
}

/// ``Layer/conv2dTranspose(filters:kernelSize:strides:padding:dilation:useBias:initializer:)``. The kernel is
/// `[kH, kW, F, C]`, as in Keras; PyTorch's is `[C, F, kH, kW]`.
package struct Conv2DTranspose: LayerKind {
    package var filters = 1
    package var kernelSize = Size2D(1)
    package var strides = Size2D(1)
    package var padding = Padding.valid
    package var dilation = Size2D(1)
    package var useBias = true
    package var initializer: Initializer?

    package static let type = "conv2dTranspose"
    package static var options: Section<Conv2DTranspose> {
        Section(
            initial: Conv2DTranspose(),
            fields: [
                .key("filters", \.filters, .integer(1...65_536), isRequired: true, "Output channels."),
                .kernelSize(\.kernelSize),
                .key("strides", \.strides, .size(1...1024), "Rows and columns from one input pixel to the next."),
                .key("padding", \.padding, .padding, "What is taken away around the output."),
                .dilation(\.dilation),
                .useBias(\.useBias),
                .layerInitializer(\.initializer),
            ])
    }

    package var featureOrder: FeatureOrderRule { .own }

    /// Returns the output's extent along an axis, and how much is cropped before it.
    private func axis(
        _ extent: Int, _ kernel: Int, _ stride: Int, _ dilation: Int, _ sides: (before: Int, after: Int)
    ) -> (out: Int, before: Int) {
        let span = dilation * (kernel - 1) + 1
        if case .same = padding { return (extent * stride, max(span - stride, 0) / 2) }
        return ((extent - 1) * stride + span - sides.before - sides.after, sides.before)
    }

    /// Returns the convolution, from the output to the input, whose transpose this is.
    private func geometry(_ input: Shape) -> ConvolutionGeometry {
        var rows = (before: 0, after: 0), columns = (before: 0, after: 0)
        if case .explicit(let top, let bottom, let left, let right) = padding {
            (rows, columns) = ((top, bottom), (left, right))
        }
        let y = axis(input.height, kernelSize.height, strides.height, dilation.height, rows)
        let x = axis(input.width, kernelSize.width, strides.width, dilation.width, columns)
        return ConvolutionGeometry(
            height: y.out, width: x.out, channels: filters, kernelHeight: kernelSize.height,
            kernelWidth: kernelSize.width, strideHeight: strides.height, strideWidth: strides.width,
            dilationHeight: dilation.height, dilationWidth: dilation.width, padTop: y.before, padLeft: x.before,
            outHeight: input.height, outWidth: input.width, filters: input.channels)
    }

    package func infer(_ node: inout NodeBuilder) throws(InputError) {
        let input = try node.image(), legal = 1..<1 << 15
        for size in [kernelSize, strides, dilation] {
            guard legal.contains(size.height), legal.contains(size.width) else {
                throw InputError(
                    node.place, expected: "sizes, strides and dilations of at least 1 and below 32768",
                    received: "\(size)")
            }
        }
        if case .explicit(let top, let bottom, let left, let right) = padding {
            try node.checkPadding(top, bottom, left, right)
        }
        let g = geometry(input)
        node.outputShape = try node.checked([g.height, g.width, filters])
        try node.addParameter(
            "kernel", [kernelSize.height, kernelSize.width, filters, input.channels], .weight)
        if useBias { try node.addParameter("bias", [filters], .bias) }
        node.multiplyAdds = g.multiplyAdds
    }

    package func operation(_ emission: LayerEmission) -> (any Operation)? {
        // The kernel's last axis is the input channels, so no normalisation is folded into it and the compiler supplies
        // no weights.
        KernelOperation(
            emission, TransposedProduct(g: geometry(emission.node.inputShapes[0])),
            weights: LayerWeights(node: emission.node, norm: nil, store: emission.store))
    }

    package func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] {
        let g = geometry(node.inputShapes[0])
        // The trailing crop follows from the extents; if the output is larger than the kernels reach, it is padded with
        // zeros.
        func behind(_ out: Int, _ extent: Int, _ stride: Int, _ span: Int, _ before: Int) -> Int {
            (extent - 1) * stride + span - before - out
        }
        let spanHeight = dilation.height * (kernelSize.height - 1) + 1
        let spanWidth = dilation.width * (kernelSize.width - 1) + 1
        let bottom = behind(g.height, g.outHeight, strides.height, spanHeight, g.padTop)
        let right = behind(g.width, g.outWidth, strides.width, spanWidth, g.padLeft)
        return [
            ONNXNode(
                "ConvTranspose", [.input(0)] + node.onnxParameters,
                attributes: [
                    ("dilations", .ints([dilation.height, dilation.width])),
                    ("kernel_shape", .ints([kernelSize.height, kernelSize.width])),
                    ("output_padding", .ints([max(-bottom, 0), max(-right, 0)])),
                    ("pads", .ints([g.padTop, g.padLeft, max(bottom, 0), max(right, 0)])),
                    ("strides", .ints([strides.height, strides.width])),
                ])
        ]
    }
}

private struct TransposedProduct: KernelProduct {
    /// The convolution from the output to the input.
    let g: ConvolutionGeometry

    /// The columns of an output image.
    var scratchFloats: Int { g.outRows * g.depth }
    var outputRows: Int { g.height * g.width }

    func forward(
        _ x: UnsafeMutablePointer<Float>, _ weights: LayerWeights, relu: Bool, y: UnsafeMutablePointer<Float>,
        scratch columns: UnsafeMutablePointer<Float>
    ) {
        BLAS.gemm(
            .no, .yes, m: g.outRows, n: g.depth, k: g.filters, a: x, lda: g.filters, b: weights.w, ldb: g.filters,
            c: columns, ldc: g.depth)
        y.update(repeating: 0, count: g.inputCount)
        Convolution.col2im(g, rows: 0..<g.outRows, dcols: columns, dx: y)
        ColumnKernels.finish(y, rows: outputRows, columns: g.channels, bias: weights.bias, relu: relu)
    }

    func backward(
        dy: UnsafeMutablePointer<Float>, _ weights: LayerWeights,
        kernel: (x: UnsafeMutablePointer<Float>, dw: UnsafeMutablePointer<Float>)?, dx: UnsafeMutablePointer<Float>?,
        scratch columns: UnsafeMutablePointer<Float>
    ) {
        Convolution.im2col(g, rows: 0..<g.outRows, x: dy, cols: columns)
        if let (x, dw) = kernel {
            BLAS.gemm(
                .yes, .no, m: g.depth, n: g.filters, k: g.outRows, a: columns, lda: g.depth, b: x, ldb: g.filters,
                beta: 1, c: dw, ldc: g.filters)
        }
        if let dx {
            BLAS.gemm(
                m: g.outRows, n: g.filters, k: g.depth, a: columns, lda: g.depth, b: weights.w, ldb: g.filters, c: dx,
                ldc: g.filters)
        }
    }
}
