import Formats
import Kernels
import Tensors

extension Layer {
    /// Convolution of each channel with its own kernel, `[H, W, C]` to `[H', W', C]`:
    /// `y[i, j, c] = b[c] + Σ x[s·i + d·u, s·j + d·v, c] · w[u, v, c]`. Has k·k·C parameters, and C more with
    /// `useBias`; `H'·W'·k·k·C` multiply-adds, C times fewer than
    /// ``conv2d(filters:kernelSize:strides:padding:dilation:useBias:initializer:lowering:)`` with as many filters.
    /// Followed by a 1×1 convolution, it forms a separable convolution (Chollet 2016, arXiv:1610.02357).
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

/// ``Layer/depthwiseConv2d(kernelSize:strides:padding:dilation:useBias:initializer:)``. The kernel is `[kH, kW, 1, C]`;
/// PyTorch's is `[C, 1, kH, kW]` (groups = C), Keras's `[kH, kW, C, 1]`.
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
                .kernelSize(\.kernelSize),
                .strides(\.strides),
                .padding(\.padding),
                .dilation(\.dilation),
                .useBias(\.useBias),
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
        return KernelOperation(emission, DepthwiseProduct(geometry: geometry), weights: weights)
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

private struct DepthwiseProduct: KernelProduct {
    let geometry: ConvolutionGeometry

    let scratchFloats = 0
    var outputRows: Int { geometry.outRows }

    func forward(
        _ x: UnsafeMutablePointer<Float>, _ weights: LayerWeights, relu: Bool, y: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>
    ) { DepthwiseKernels.forward(geometry, x: x, w: weights.w, bias: weights.bias, relu: relu, y: y) }

    func backward(
        dy: UnsafeMutablePointer<Float>, _ weights: LayerWeights,
        kernel: (x: UnsafeMutablePointer<Float>, dw: UnsafeMutablePointer<Float>)?, dx: UnsafeMutablePointer<Float>?,
        scratch: UnsafeMutablePointer<Float>
    ) {
        if let (x, dw) = kernel { DepthwiseKernels.addWeightGradient(geometry, x: x, dy: dy, dw: dw) }
        if let dx { DepthwiseKernels.inputGradient(geometry, dy: dy, w: weights.w, dx: dx) }
    }
}
