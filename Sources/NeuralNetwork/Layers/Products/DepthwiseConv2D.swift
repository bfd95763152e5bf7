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
        let channels = try node.image().channels
        _ = try node.convolve(
            kernelSize, strides: strides, dilation: dilation, padding, filters: channels)
        try node.addParameter("kernel", [kernelSize.height, kernelSize.width, 1, channels], .weight)
        if useBias { try node.addParameter("bias", [channels], .bias) }
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
    private var biasGradient: BiasGradient?

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
        biasGradient = BiasGradient(weights, learns: partials != nil, store: store, shards: shards)
    }

    func refresh() { weights.refresh() }

    func run(_ pass: Pass, _ chunk: borrowing Chunk) {
        if pass == .forward {
            for image in chunk.images {
                DepthwiseKernels.forward(
                    geometry, x: input.pointer(image, chunk), w: weights.w, bias: weights.bias, relu: relu,
                    y: output.pointer(image, chunk))
            }
            return
        }
        guard let outputGradient else { return }
        biasGradient?.add(
            outputGradient.pointer(chunk.images.lowerBound, chunk), rows: chunk.images.count * geometry.outRows,
            shard: chunk.shard, isFirst: chunk.isFirst)
        let dw = partials?.pointer(kernelPartial, shard: chunk.shard)
        if chunk.isFirst { dw?.update(repeating: 0, count: weights.kernel.count) }
        for image in chunk.images {
            let dy = outputGradient.pointer(image, chunk)
            if let dw {
                DepthwiseKernels.addWeightGradient(geometry, x: recomputedInput.pointer(image, chunk), dy: dy, dw: dw)
            }
            if let inputGradient {
                DepthwiseKernels.inputGradient(geometry, dy: dy, w: weights.w, dx: inputGradient.pointer(image, chunk))
            }
        }
    }

    func sums(_ pass: Pass) -> [ShardSums] { pass == .backward ? biasGradient?.sums ?? [] : [] }

    func reduce(_ pass: Pass, _ run: Run) { if pass == .backward { biasGradient?.reduce(shards: run.shards) } }
}
