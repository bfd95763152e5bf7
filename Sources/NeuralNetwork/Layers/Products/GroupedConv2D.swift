import Formats
import Kernels
import LinearAlgebra
import Tensors

extension Layer {
    /// Grouped convolution, `[H, W, C]` to `[H', W', F]`: the g-th group of filters reads only the g-th group of
    /// channels. Has k·k·C/G·F parameters, and F more with `useBias`, G times fewer than
    /// ``conv2d(filters:kernelSize:strides:padding:dilation:useBias:initializer:lowering:)``; `H'·W'·k·k·C/G·F`
    /// multiply-adds, by im2col and GEMM, group by group. G = `groups` divides C and F. A. Krizhevsky, I. Sutskever, G.
    /// Hinton 2012; S. Xie et al. 2017, arXiv:1611.05431.
    public static func groupedConv2d(
        filters: Int, kernelSize: Size2D, groups: Int, strides: Size2D = Size2D(1), padding: Padding = .valid,
        dilation: Size2D = Size2D(1), useBias: Bool = true, initializer: Initializer? = nil
    ) -> Layer {
        Layer(
            GroupedConv2D(
                filters: filters, kernelSize: kernelSize, groups: groups, strides: strides, padding: padding,
                dilation: dilation, useBias: useBias, initializer: initializer))
    }
}

/// ``Layer/groupedConv2d(filters:kernelSize:groups:strides:padding:dilation:useBias:initializer:)``. The kernel is
/// `[kH, kW, C/G, F]`, as in Keras; PyTorch's is `[F, C/G, kH, kW]`.
package struct GroupedConv2D: LayerKind {
    package var filters = 1
    package var kernelSize = Size2D(1)
    package var groups = 1
    package var strides = Size2D(1)
    package var padding = Padding.valid
    package var dilation = Size2D(1)
    package var useBias = true
    package var initializer: Initializer?

    package static let type = "groupedConv2d"
    package static var options: Section<GroupedConv2D> {
        Section(
            initial: GroupedConv2D(),
            fields: [
                .key(
                    "filters", \.filters, .integer(1...65_536), isRequired: true,
                    "Output channels, a multiple of 'groups'."),
                .kernelSize(\.kernelSize),
                .key(
                    "groups", \.groups, .integer(1...65_536), isRequired: true,
                    "Parts of the channels, which it divides."),
                .strides(\.strides),
                .padding(\.padding),
                .dilation(\.dilation),
                .useBias(\.useBias),
                .layerInitializer(\.initializer),
            ])
    }

    package var traits: LayerTraits { LayerTraits(hasKernel: true) }
    package var featureOrder: FeatureOrderRule { .own }

    package func infer(_ node: inout NodeBuilder) throws(InputError) {
        let channels = try node.image().channels
        guard groups >= 1, channels.isMultiple(of: groups), filters.isMultiple(of: groups) else {
            throw InputError(
                node.place, expected: "groups that divide the \(channels) channels and the \(filters) filters",
                received: "\(groups) groups")
        }
        _ = try node.convolve(kernelSize, strides: strides, dilation: dilation, padding, filters: filters)
        try node.addParameter(
            "kernel", [kernelSize.height, kernelSize.width, channels / groups, filters], .weight)
        if useBias { try node.addParameter("bias", [filters], .bias) }
        node.multiplyAdds = node.outputShape.count * kernelSize.height * kernelSize.width * (channels / groups)
    }

    package func operation(_ emission: LayerEmission) -> (any Operation)? {
        guard case .convolution(let geometry)? = emission.node.geometry, let weights = emission.weights else {
            return nil
        }
        return KernelOperation(emission, GroupedProduct(geometry, groups: groups), weights: weights)
    }

    package func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] {
        node.onnxWindow(
            "Conv", node.onnxParameters,
            attributes: [
                ("dilations", .ints([dilation.height, dilation.width])), ("group", .int(groups)),
                ("kernel_shape", .ints([kernelSize.height, kernelSize.width])),
            ])
    }
}

private struct GroupedProduct: KernelProduct {
    /// The geometry of the whole convolution, and of one group.
    private let whole, part: ConvolutionGeometry
    private let groups: Int

    init(_ geometry: ConvolutionGeometry, groups: Int) {
        whole = geometry
        var part = geometry
        (part.channels, part.filters) = (geometry.channels / groups, geometry.filters / groups)
        self.part = part
        self.groups = groups
    }

    /// One group's channels of an image, and their im2col columns.
    var scratchFloats: Int { part.inputCount + part.outRows * part.depth }
    var outputRows: Int { whole.outRows }

    /// Copies group `group` of the channels of `x` to `image`, and its im2col columns to `columns`.
    private func gather(
        _ group: Int, _ x: UnsafeMutablePointer<Float>, _ image: UnsafeMutablePointer<Float>,
        _ columns: UnsafeMutablePointer<Float>
    ) {
        let channels = part.channels
        for pixel in 0..<whole.height * whole.width {
            (image + pixel &* channels).update(
                from: x + (pixel &* whole.channels &+ group &* channels), count: channels)
        }
        Convolution.im2col(part, rows: 0..<part.outRows, x: image, cols: columns)
    }

    func forward(
        _ x: UnsafeMutablePointer<Float>, _ weights: LayerWeights, relu: Bool, y: UnsafeMutablePointer<Float>,
        scratch image: UnsafeMutablePointer<Float>
    ) {
        let columns = image + part.inputCount
        for group in 0..<groups {
            gather(group, x, image, columns)
            let first = group * part.filters
            BLAS.gemm(
                m: part.outRows, n: part.filters, k: part.depth, a: columns, lda: part.depth, b: weights.w + first,
                ldb: whole.filters, c: y + first, ldc: whole.filters)
        }
        ColumnKernels.finish(y, rows: whole.outRows, columns: whole.filters, bias: weights.bias, relu: relu)
    }

    func backward(
        dy: UnsafeMutablePointer<Float>, _ weights: LayerWeights,
        kernel: (x: UnsafeMutablePointer<Float>, dw: UnsafeMutablePointer<Float>)?, dx: UnsafeMutablePointer<Float>?,
        scratch image: UnsafeMutablePointer<Float>
    ) {
        let columns = image + part.inputCount, channels = part.channels
        for group in 0..<groups {
            let first = group * part.filters
            if let (x, dw) = kernel {
                gather(group, x, image, columns)
                BLAS.gemm(
                    .yes, .no, m: part.depth, n: part.filters, k: part.outRows, a: columns, lda: part.depth,
                    b: dy + first, ldb: whole.filters, beta: 1, c: dw + first, ldc: whole.filters)
            }
            guard let dx else { continue }
            BLAS.gemm(
                .no, .yes, m: part.outRows, n: part.depth, k: part.filters, a: dy + first, lda: whole.filters,
                b: weights.w + first, ldb: whole.filters, c: columns, ldc: part.depth)
            image.update(repeating: 0, count: part.inputCount)
            Convolution.col2im(part, rows: 0..<part.outRows, dcols: columns, dx: image)
            for pixel in 0..<whole.height * whole.width {
                (dx + (pixel &* whole.channels &+ group &* channels)).update(
                    from: image + pixel &* channels, count: channels)
            }
        }
    }
}
