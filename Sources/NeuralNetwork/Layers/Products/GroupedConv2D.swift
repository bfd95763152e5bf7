import Formats
import Kernels
import LinearAlgebra
import Tensors

extension Layer {
    /// Convolution in groups, `[H, W, C]` to `[H', W', F]`: the g-th part of the filters reads the g-th part of the channels alone.
    /// k·k·C/G·F parameters and F more with `useBias`, G times fewer than
    /// ``conv2d(filters:kernelSize:strides:padding:dilation:useBias:initializer:lowering:)``; `H'·W'·k·k·C/G·F` multiply-adds, by
    /// im2col and GEMM, group by group. G = `groups` divides C and F. A. Krizhevsky, I. Sutskever, G. Hinton 2012;
    /// S. Xie et al. 2017, arXiv:1611.05431.
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

/// ``Layer/groupedConv2d(filters:kernelSize:groups:strides:padding:dilation:useBias:initializer:)``. Its kernel is `[kH, kW, C/G, F]`,
/// as Keras has it, and PyTorch as `[F, C/G, kH, kW]`.
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
                .key("kernelSize", \.kernelSize, .size(1...1024), isRequired: true, "Rows and columns of a kernel."),
                .key(
                    "groups", \.groups, .integer(1...65_536), isRequired: true,
                    "Parts of the channels, which it divides."),
                .key("strides", \.strides, .size(1...1024), "Rows and columns between two positions."),
                .key("padding", \.padding, .padding, "Zeros around the image."),
                .key("dilation", \.dilation, .size(1...1024), "Rows and columns between the taps of a kernel."),
                .key("useBias", \.useBias, .boolean, "Whether a bias is added; needless before batchNormalization."),
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
        return GroupedOperation(emission, geometry: geometry, groups: groups, weights: weights)
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

private final class GroupedOperation: Operation {
    let name: String
    /// Of the whole, and of one group.
    private let whole, part: ConvolutionGeometry
    private let groups: Int
    private let weights: LayerWeights
    private let relu: Bool
    private let input, output: Storage
    private let outputGradient, inputGradient: Storage?
    private let store: ParameterStore
    private let partials: GradientPartials?
    private let kernelPartial: Int
    private var biasGradient: BiasGradient?

    init(_ emission: LayerEmission, geometry: ConvolutionGeometry, groups: Int, weights: LayerWeights) {
        name = emission.node.name
        whole = geometry
        var part = geometry
        (part.channels, part.filters) = (geometry.channels / groups, geometry.filters / groups)
        self.part = part
        self.groups = groups
        self.weights = weights
        relu = emission.rectifies
        input = emission.input
        output = emission.output
        outputGradient = emission.outputGradient
        inputGradient = emission.inputGradient
        store = emission.store
        partials = emission.partials
        kernelPartial = partials?.register(weights.kernel) ?? 0
    }

    /// A group's channels of an image, and their columns.
    var scratchFloats: Int { part.inputCount + part.outRows * part.depth }

    func reads(_ pass: Pass) -> [Storage] {
        pass == .forward ? [input] : [partials == nil ? nil : input, outputGradient].compactMap { $0 }
    }

    func writes(_ pass: Pass) -> [Storage] { pass == .forward ? [output] : [inputGradient].compactMap { $0 } }

    func prepare(capacity: Int, shards: Int, workers: Int) {
        biasGradient = BiasGradient(weights, learns: partials != nil, store: store, shards: shards)
    }

    func refresh() { weights.refresh() }

    func run(_ pass: Pass, _ chunk: borrowing Chunk) {
        let image = chunk.scratch, columns = chunk.scratch + part.inputCount
        if pass == .forward {
            for number in chunk.images {
                forward(input.pointer(number, chunk), output.pointer(number, chunk), image, columns)
            }
            return
        }
        guard let outputGradient else { return }
        biasGradient?.add(
            outputGradient.pointer(chunk.images.lowerBound, chunk), rows: chunk.images.count * whole.outRows,
            shard: chunk.shard, isFirst: chunk.isFirst)
        let dw = partials?.pointer(kernelPartial, shard: chunk.shard)
        if chunk.isFirst { dw?.update(repeating: 0, count: weights.kernel.count) }
        for number in chunk.images {
            let dy = outputGradient.pointer(number, chunk)
            if let dw { addWeightGradient(input.pointer(number, chunk), dy, dw, image, columns) }
            if let inputGradient { writeInputGradient(dy, inputGradient.pointer(number, chunk), image, columns) }
        }
    }

    func sums(_ pass: Pass) -> [ShardSums] { pass == .backward ? biasGradient?.sums ?? [] : [] }

    func reduce(_ pass: Pass, _ run: Run) { if pass == .backward { biasGradient?.reduce(shards: run.shards) } }

    /// Copies group `group` of the channels of `x` to `image`, and its columns to `columns`.
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

    private func forward(
        _ x: UnsafeMutablePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ image: UnsafeMutablePointer<Float>,
        _ columns: UnsafeMutablePointer<Float>
    ) {
        for group in 0..<groups {
            gather(group, x, image, columns)
            let first = group * part.filters
            BLAS.gemm(
                m: part.outRows, n: part.filters, k: part.depth, a: columns, lda: part.depth, b: weights.w + first,
                ldb: whole.filters, c: y + first, ldc: whole.filters)
        }
        ColumnKernels.finish(y, rows: whole.outRows, columns: whole.filters, bias: weights.bias, relu: relu)
    }

    private func addWeightGradient(
        _ x: UnsafeMutablePointer<Float>, _ dy: UnsafeMutablePointer<Float>, _ dw: UnsafeMutablePointer<Float>,
        _ image: UnsafeMutablePointer<Float>, _ columns: UnsafeMutablePointer<Float>
    ) {
        for group in 0..<groups {
            gather(group, x, image, columns)
            let first = group * part.filters
            BLAS.gemm(
                .yes, .no, m: part.depth, n: part.filters, k: part.outRows, a: columns, lda: part.depth,
                b: dy + first, ldb: whole.filters, beta: 1, c: dw + first, ldc: whole.filters)
        }
    }

    private func writeInputGradient(
        _ dy: UnsafeMutablePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ image: UnsafeMutablePointer<Float>,
        _ columns: UnsafeMutablePointer<Float>
    ) {
        let channels = part.channels
        for group in 0..<groups {
            let first = group * part.filters
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
