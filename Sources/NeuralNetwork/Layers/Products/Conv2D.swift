import Formats
import Kernels
import Tensors

extension Layer {
    /// Convolution of `[H, W, C]` with F = `filters` kernels to `[H', W', F]`:
    /// `y[i, j, f] = b[f] + Σ x[s·i + d·u, s·j + d·v, c] · w[u, v, c, f]` over u, v in the kernel and all channels c,
    /// where x is 0 in the padding. Has F·k·k·C parameters, and F more with `useBias`; `H'·W'·F·k·k·C` multiply-adds.
    ///
    /// H' and W' follow ``Padding``. If `initializer` or `lowering` is `nil`, the model's is used.
    public static func conv2d(
        filters: Int, kernelSize: Size2D, strides: Size2D = Size2D(1), padding: Padding = .valid,
        dilation: Size2D = Size2D(1), useBias: Bool = true, initializer: Initializer? = nil,
        lowering: LoweringChoice? = nil
    ) -> Layer {
        Layer(
            Conv2D(
                filters: filters, kernelSize: kernelSize, strides: strides, padding: padding, dilation: dilation,
                useBias: useBias, initializer: initializer, lowering: lowering))
    }
}

/// ``Layer/conv2d(filters:kernelSize:strides:padding:dilation:useBias:initializer:lowering:)``. Computed by
/// ``ConvolutionOperation``.
package struct Conv2D: LayerKind {
    package var filters = 1
    package var kernelSize = Size2D(1)
    package var strides = Size2D(1)
    package var padding = Padding.valid
    package var dilation = Size2D(1)
    package var useBias = true
    package var initializer: Initializer?
    package var lowering: LoweringChoice?

    package static let type = "conv2d"
    package static var options: Section<Conv2D> {
        Section(
            initial: Conv2D(),
            fields: [
                .key("filters", \.filters, .integer(1...65_536), isRequired: true, "Output channels."),
                .key("kernelSize", \.kernelSize, .size(1...1024), isRequired: true, "Rows and columns of a filter."),
                .strides(\.strides),
                .padding(\.padding),
                .key("dilation", \.dilation, .size(1...1024), "Rows and columns between the taps of a filter."),
                .useBias(\.useBias),
                .layerInitializer(\.initializer),
                .optional(
                    "lowering", \.lowering, .lowering, isLeftOut: true,
                    "How it becomes matrix products; null: as the model's 'lowering' says."),
            ])
    }

    package var traits: LayerTraits {
        LayerTraits(hasKernel: true, takesMoments: true, rereadsInput: true, multipliesBytes: true)
    }
    package var featureOrder: FeatureOrderRule { .own }

    package func infer(_ node: inout NodeBuilder) throws(InputError) {
        let channels = try node.image().channels
        let geometry = try node.convolve(
            kernelSize, strides: strides, dilation: dilation, padding, filters: filters)
        _ = try node.checked([geometry.outRows, geometry.depth])
        try node.addParameter("kernel", [kernelSize.height, kernelSize.width, channels, filters], .weight)
        if useBias { try node.addParameter("bias", [filters], .bias) }
        node.multiplyAdds = geometry.multiplyAdds
        node.lowering = .convolution(try resolvedLowering(geometry, node))
    }

    /// Returns the requested lowering, checked; otherwise the model's if the convolution supports it, else the table's.
    private func resolvedLowering(
        _ geometry: ConvolutionGeometry, _ node: NodeBuilder
    ) throws(InputError) -> ConvolutionLowering {
        switch lowering {
        case nil:
            guard let kind = LoweringTask(.forward, geometry).allowed(node.modelLowering) else { fallthrough }
            return ConvolutionLowering(geometry, kind: kind)
        case .auto: return ConvolutionLowering(geometry)
        case .kind(let kind):
            guard LoweringTask(.forward, geometry).allows(kind) else { throw Self.refused(kind, node.place) }
            return ConvolutionLowering(geometry, kind: kind)
        case .resolved(let resolved):
            for direction in LoweringTask.Direction.allCases {
                let kind = resolved[direction].kind
                guard LoweringTask(direction, geometry).allows(kind) else {
                    throw Self.refused(kind, node.place, direction)
                }
            }
            return resolved
        }
    }

    private static func refused(
        _ kind: Lowering.Kind, _ place: String, _ direction: LoweringTask.Direction? = nil
    ) -> InputError {
        InputError(
            place, expected: "for lowering \(kind.rawValue), \(kind.requirement)",
            received: "a layer that is not so" + (direction.map { " in its \($0.rawValue)" } ?? ""),
            remedy: "use \"auto\"")
    }

    package func operation(_ emission: LayerEmission) -> (any Operation)? {
        guard case .convolution(let geometry)? = emission.node.geometry,
            case .convolution(let lowering)? = emission.node.loweringPlan, let weights = emission.weights
        else { return nil }
        if let bytes = emission.bytes {
            let whole = emission.striping?.whole as? QuantizedConvolution
            let core = QuantizedConvolutionCore(
                emission, bytes, geometry: geometry, weights: weights, sharing: whole?.core)
            return whole == nil ? QuantizedConvolution(core) : StripedQuantizedConvolution(core)
        }
        if let whole = emission.striping?.whole as? ConvolutionOperation {
            return StripedConvolution(
                emission, geometry: geometry, lowering: lowering.forward, whole: whole)
        }
        return ConvolutionOperation(emission, geometry: geometry, lowering: lowering, weights: weights)
    }

    package func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] {
        node.onnxWindow(
            "Conv", node.onnxParameters,
            attributes: [
                ("dilations", .ints([dilation.height, dilation.width])),
                ("kernel_shape", .ints([kernelSize.height, kernelSize.width])),
            ])
    }
}

extension Conv2D: LoweredLayer {
    package var settledLowering: ResolvedGraph.NodeLowering? {
        get { if case .resolved(let settled)? = lowering { .convolution(settled) } else { nil } }
        set {
            if case .convolution(let settled)? = newValue {
                lowering = .resolved(settled)
            } else if settledLowering != nil {
                lowering = nil
            }
        }
    }

    package var loweringKinds: [Lowering.Kind]? {
        switch lowering {
        case .kind(let kind): [kind]
        case .auto, .resolved: Lowering.Kind.allCases
        case nil: nil
        }
    }
}
