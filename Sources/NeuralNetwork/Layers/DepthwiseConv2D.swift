import Formats
import Kernels
import Tensors

extension Layer {
    /// Convolution of each channel with a kernel of its own, `[H, W, C]` to `[H', W', C]`:
    /// `y[i, j, c] = b[c] + Σ x[s·i + d·u, s·j + d·v, c] · w[u, v, c]`. k·k·C parameters and C more with `useBias`; `H'·W'·k·k·C`
    /// multiply-adds, C times fewer than ``conv2d(filters:kernelSize:strides:padding:dilation:useBias:initializer:lowering:)``
    /// of as many filters. With a 1×1 convolution after it, it is a separable one (Chollet 2016, arXiv:1610.02357).
    public static func depthwiseConv2d(
        kernelSize: Size2D, strides: Size2D = Size2D(1), padding: Padding = .valid, dilation: Size2D = Size2D(1),
        useBias: Bool = true, initializer: Initializer? = nil
    ) -> Layer {
        Layer(
            DepthwiseConv2D(
                kernelSize: kernelSize, strides: strides, padding: padding, dilation: dilation, useBias: useBias,
                initializer: initializer))
    }
}

/// ``Layer/depthwiseConv2d(kernelSize:strides:padding:dilation:useBias:initializer:)``. Its kernel is `[kH, kW, 1, C]`, which
/// PyTorch has as `[C, 1, kH, kW]` (groups = C) and Keras as `[kH, kW, C, 1]`.
package struct DepthwiseConv2D: LayerKind {
    package var kernelSize = Size2D(1)
    package var strides = Size2D(1)
    package var padding = Padding.valid
    package var dilation = Size2D(1)
    package var useBias = true
    package var initializer: Initializer?

    package static let type = "depthwiseConv2d"
    package static var options: Section<DepthwiseConv2D> {
        Section(
            initial: DepthwiseConv2D(),
            fields: [
                .key("kernelSize", \.kernelSize, .size(1...1024), isRequired: true, "Rows and columns of a kernel."),
                .key("strides", \.strides, .size(1...1024), "Rows and columns between two positions."),
                .key("padding", \.padding, .padding, "Zeros around the image."),
                .key("dilation", \.dilation, .size(1...1024), "Rows and columns between the taps of a kernel."),
                .key("useBias", \.useBias, .boolean, "Whether a bias is added; needless before batchNormalization."),
                .layerInitializer(\.initializer),
            ])
    }

    package var traits: LayerTraits { LayerTraits(hasKernel: true, rereadsInput: true) }
    package var featureOrder: FeatureOrderRule { .own }

    package func infer(_ node: inout NodeBuilder) throws(InputError) {
        let input = try node.image()
        let (rows, columns) = try node.window(kernelSize, strides: strides, dilation: dilation, padding)
        node.outputShape = try node.checked([rows.out, columns.out, input.channels])
        node.geometry = .convolution(
            ConvolutionGeometry(
                height: input.height, width: input.width, channels: input.channels, kernelHeight: kernelSize.height,
                kernelWidth: kernelSize.width, strideHeight: strides.height, strideWidth: strides.width,
                dilationHeight: dilation.height, dilationWidth: dilation.width, padTop: rows.before,
                padLeft: columns.before, outHeight: rows.out, outWidth: columns.out, filters: input.channels))
        try node.addParameter("kernel", [kernelSize.height, kernelSize.width, 1, input.channels], .weight)
        if useBias { try node.addParameter("bias", [input.channels], .bias) }
        node.multiplyAdds = node.outputShape.count * kernelSize.height * kernelSize.width
    }

    package func operation(_ emission: LayerEmission) -> (any Operation)? {
        guard case .convolution(let geometry)? = emission.node.geometry, let weights = emission.weights else {
            return nil
        }
        return DepthwiseOperation(emission, geometry: geometry, weights: weights)
    }

    package func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] {
        node.onnxWindow(
            "Conv", node.onnxParameters,
            attributes: [
                ("dilations", .ints([dilation.height, dilation.width])), ("group", .int(node.outputShape.channels)),
                ("kernel_shape", .ints([kernelSize.height, kernelSize.width])),
            ])
    }
}

private final class DepthwiseOperation: Operation {
    let name: String
    private let geometry: ConvolutionGeometry
    private let weights: LayerWeights
    private let relu: Bool
    private let input, recomputedInput, output: Storage
    private let outputGradient, inputGradient: Storage?
    private let store: ParameterStore
    private let partials: GradientPartials?
    private let kernelPartial: Int
    private var biasSums: ShardSums?

    init(_ emission: LayerEmission, geometry: ConvolutionGeometry, weights: LayerWeights) {
        name = emission.node.name
        self.geometry = geometry
        self.weights = weights
        relu = emission.rectifies
        input = emission.input
        recomputedInput = emission.recomputed.input ?? emission.input
        output = emission.output
        outputGradient = emission.outputGradient
        inputGradient = emission.inputGradient
        store = emission.store
        partials = emission.partials
        kernelPartial = partials?.register(weights.kernel) ?? 0
    }

    func reads(_ pass: Pass) -> [Storage] {
        pass == .forward ? [input] : [partials == nil ? nil : recomputedInput, outputGradient].compactMap { $0 }
    }

    func writes(_ pass: Pass) -> [Storage] { pass == .forward ? [output] : [inputGradient].compactMap { $0 } }

    func prepare(capacity: Int, shards: Int, workers: Int) {
        if weights.biasTensor != nil, partials != nil { biasSums = ShardSums(count: geometry.filters, shards: shards) }
    }

    func refresh() { weights.refresh() }

    func run(_ pass: Pass, _ chunk: borrowing Chunk) {
        for image in chunk.images {
            if pass == .forward {
                DepthwiseKernels.forward(
                    geometry, x: input.pointer(image, chunk), w: weights.w, bias: weights.bias, relu: relu,
                    y: output.pointer(image, chunk))
                continue
            }
            guard let outputGradient else { continue }
            let dy = outputGradient.pointer(image, chunk)
            if let partials {
                let dw = partials.pointer(kernelPartial, shard: chunk.shard)
                if image == chunk.shardStart { dw.update(repeating: 0, count: weights.kernel.count) }
                DepthwiseKernels.addWeightGradient(geometry, x: recomputedInput.pointer(image, chunk), dy: dy, dw: dw)
            }
            if let biasSums {
                if image == chunk.shardStart { biasSums.clear(chunk.shard) }
                ColumnKernels.addColumnSums(
                    dy, rows: geometry.outRows, columns: geometry.filters, to: biasSums.pointer(chunk.shard))
            }
            if let inputGradient {
                DepthwiseKernels.inputGradient(geometry, dy: dy, w: weights.w, dx: inputGradient.pointer(image, chunk))
            }
        }
    }

    func sums(_ pass: Pass) -> [ShardSums] { pass == .backward ? [biasSums].compactMap { $0 } : [] }

    func reduce(_ pass: Pass, _ run: Run) {
        guard pass == .backward, let bias = weights.biasTensor, let biasSums else { return }
        let gradient = store.gradient(bias)
        for c in 0..<geometry.filters { gradient[c] = Float(biasSums.total(c, shards: run.shards)) }
    }
}
