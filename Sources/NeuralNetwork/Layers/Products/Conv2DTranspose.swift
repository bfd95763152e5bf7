import Formats
import Kernels
import LinearAlgebra
import Tensors

extension Layer {
    /// Transposed convolution, `[H, W, C]` to `[H', W', F]`, the gradient of a convolution by its input: each pixel adds its kernel,
    /// `y[s·i + d·u − top, s·j + d·v − left, f] += x[i, j, c] · w[u, v, f, c]`, and b[f] is added to all. k·k·F·C parameters and F more
    /// with `useBias`; `H·W·k·k·F·C` multiply-adds, by GEMM and col2im.
    ///
    /// `H' = (H − 1)·s + d·(k − 1) + 1` less the rows that `padding` takes away: none for `valid`, so many that `H' = s·H` for `same`.
    /// M. Zeiler et al. 2010, "Deconvolutional networks"; V. Dumoulin, F. Visin 2016, arXiv:1603.07285.
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

/// ``Layer/conv2dTranspose(filters:kernelSize:strides:padding:dilation:useBias:initializer:)``. Its kernel is `[kH, kW, F, C]`, as Keras
/// has it, and PyTorch as `[C, F, kH, kW]`.
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
                .key("kernelSize", \.kernelSize, .size(1...1024), isRequired: true, "Rows and columns of a kernel."),
                .key("strides", \.strides, .size(1...1024), "Rows and columns from one input pixel to the next."),
                .key("padding", \.padding, .padding, "What is taken away around the output."),
                .key("dilation", \.dilation, .size(1...1024), "Rows and columns between the taps of a kernel."),
                .key("useBias", \.useBias, .boolean, "Whether a bias is added; needless before batchNormalization."),
                .layerInitializer(\.initializer),
            ])
    }

    package var featureOrder: FeatureOrderRule { .own }

    /// The output's extent along an axis, and how much is taken away before it.
    private func axis(
        _ extent: Int, _ kernel: Int, _ stride: Int, _ dilation: Int, _ sides: (before: Int, after: Int)
    ) -> (out: Int, before: Int) {
        let span = dilation * (kernel - 1) + 1
        if case .same = padding { return (extent * stride, max(span - stride, 0) / 2) }
        return ((extent - 1) * stride + span - sides.before - sides.after, sides.before)
    }

    /// The convolution, from the output to the input, whose transpose this is.
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
        let g = geometry(input)
        node.outputShape = try node.checked([g.height, g.width, filters])
        try node.addParameter(
            "kernel", [kernelSize.height, kernelSize.width, filters, input.channels], .weight)
        if useBias { try node.addParameter("bias", [filters], .bias) }
        node.multiplyAdds = g.multiplyAdds
    }

    package func operation(_ emission: LayerEmission) -> (any Operation)? {
        TransposedOperation(emission, geometry: geometry(emission.node.inputShapes[0]))
    }

    package func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] {
        let g = geometry(node.inputShapes[0])
        // What is taken away behind follows from the extents; where they are larger than the kernels reach, zeros follow.
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

private final class TransposedOperation: Operation {
    let name: String
    private let g: ConvolutionGeometry
    private let weights: LayerWeights
    private let input, output: Storage
    private let outputGradient, inputGradient: Storage?
    private let store: ParameterStore
    private let partials: GradientPartials?
    private let kernelPartial: Int
    private var biasGradient: BiasGradient?

    init(_ emission: LayerEmission, geometry: ConvolutionGeometry) {
        name = emission.node.name
        g = geometry
        weights = LayerWeights(node: emission.node, norm: nil, store: emission.store)
        input = emission.input
        output = emission.output
        outputGradient = emission.outputGradient
        inputGradient = emission.inputGradient
        store = emission.store
        partials = emission.partials
        kernelPartial = partials?.register(weights.kernel) ?? 0
    }

    /// The columns of an output image.
    var scratchFloats: Int { g.outRows * g.depth }

    func reads(_ pass: Pass) -> [Storage] {
        pass == .forward ? [input] : [partials == nil ? nil : input, outputGradient].compactMap { $0 }
    }

    func writes(_ pass: Pass) -> [Storage] { pass == .forward ? [output] : [inputGradient].compactMap { $0 } }

    func prepare(capacity: Int, shards: Int, workers: Int) {
        biasGradient = BiasGradient(weights, learns: partials != nil, store: store, shards: shards)
    }

    func run(_ pass: Pass, _ chunk: borrowing Chunk) {
        let columns = chunk.scratch, channels = g.filters
        if pass == .forward {
            for image in chunk.images {
                let y = output.pointer(image, chunk)
                BLAS.gemm(
                    .no, .yes, m: g.outRows, n: g.depth, k: channels, a: input.pointer(image, chunk), lda: channels,
                    b: weights.w, ldb: channels, c: columns, ldc: g.depth)
                y.update(repeating: 0, count: g.inputCount)
                Convolution.col2im(g, rows: 0..<g.outRows, dcols: columns, dx: y)
                ColumnKernels.finish(
                    y, rows: g.height * g.width, columns: g.channels, bias: weights.bias, relu: false)
            }
            return
        }
        guard let outputGradient else { return }
        biasGradient?.add(
            outputGradient.pointer(chunk.images.lowerBound, chunk), rows: chunk.images.count * g.height * g.width,
            shard: chunk.shard, isFirst: chunk.isFirst)
        let dw = partials?.pointer(kernelPartial, shard: chunk.shard)
        if chunk.isFirst { dw?.update(repeating: 0, count: weights.kernel.count) }
        for image in chunk.images {
            Convolution.im2col(g, rows: 0..<g.outRows, x: outputGradient.pointer(image, chunk), cols: columns)
            if let dw {
                BLAS.gemm(
                    .yes, .no, m: g.depth, n: channels, k: g.outRows, a: columns, lda: g.depth,
                    b: input.pointer(image, chunk), ldb: channels, beta: 1, c: dw, ldc: channels)
            }
            if let inputGradient {
                BLAS.gemm(
                    m: g.outRows, n: channels, k: g.depth, a: columns, lda: g.depth, b: weights.w, ldb: channels,
                    c: inputGradient.pointer(image, chunk), ldc: channels)
            }
        }
    }

    func sums(_ pass: Pass) -> [ShardSums] { pass == .backward ? biasGradient?.sums ?? [] : [] }

    func reduce(_ pass: Pass, _ run: Run) { if pass == .backward { biasGradient?.reduce(shards: run.shards) } }
}
