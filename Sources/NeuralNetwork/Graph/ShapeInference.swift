import Kernels
import Tensors

/// Infers one layer's output, parameters and geometry.
struct NodeBuilder {
    let name: String
    let place: String
    let inputShapes: [Shape]
    var parameterOffset: Int
    var stateOffset: Int
    var outputShape = Shape([1])
    var parameters: [ParameterTensor] = []
    var state: [ParameterTensor] = []
    var multiplyAdds = 0
    var geometry: ResolvedGraph.NodeGeometry?
    var lowering: ResolvedGraph.NodeLowering?
    /// The model's, for convolutions that name none.
    let modelLowering: Lowering.Kind?

    mutating func infer(_ layer: Layer) throws(InputError) {
        switch layer {
        case .add, .concatenate: break
        default:
            guard inputShapes.count == 1 else {
                throw InputError(place, expected: "one input", received: "\(inputShapes.count)")
            }
        }
        switch layer {
        case .conv2d(let filters, let kernel, let strides, let padding, let dilation, let useBias, _, let choice):
            try inferConvolution(filters, kernel, strides, padding, dilation, useBias)
            try inferLowering(choice)
        case .dense(let units, let useBias, _, let choice):
            let shape = try vector()
            outputShape = try checked([units])
            try addParameter("kernel", [shape.count, units], .weight)
            if useBias { try addParameter("bias", [units], .bias) }
            multiplyAdds = shape.count * units
            lowering = .dense(choice ?? .table(features: shape.count, units: units))
        case .batchNormalization(let momentum, let epsilon):
            guard (0...1).contains(momentum), epsilon > 0, epsilon.isFinite else {
                throw InputError(
                    place, expected: "a momentum from 0 to 1 and a finite epsilon above 0",
                    received: "momentum \(momentum), epsilon \(epsilon)")
            }
            outputShape = inputShapes[0]
            let channels = outputShape.channels
            try addParameter("gamma", [channels], .scale)
            try addParameter("beta", [channels], .shift)
            addState("moving_mean", channels)
            addState("moving_variance", channels)
        case .leakyRelu(let slope):
            guard slope >= 0, slope.isFinite else {
                throw InputError(place, expected: "a finite negativeSlope of at least 0", received: "\(slope)")
            }
            outputShape = inputShapes[0]
        case .dropout(let rate):
            guard rate >= 0, rate < 1 else {
                throw InputError(place, expected: "a rate from 0 to below 1", received: "\(rate)")
            }
            outputShape = inputShapes[0]
        case .relu, .gelu, .tanh, .sigmoid, .softmax:
            outputShape = inputShapes[0]
        case .maxPooling2d(let window, let strides, let padding),
            .averagePooling2d(let window, let strides, let padding):
            try inferPooling(window, strides ?? window, padding)
        case .globalAveragePooling2d:
            let image = try image()
            geometry = .pooling(
                PoolingGeometry(
                    height: image.height, width: image.width, channels: image.channels, windowHeight: image.height,
                    windowWidth: image.width, strideHeight: 1, strideWidth: 1, outHeight: 1, outWidth: 1))
            outputShape = Shape([image.channels])
        case .flatten:
            outputShape = Shape([inputShapes[0].count])
        case .add:
            try severalInputs()
            for shape in inputShapes.dropFirst() where shape != inputShapes[0] {
                throw InputError(
                    place, expected: "inputs of one shape (\(inputShapes[0]))", received: "\(shape)",
                    remedy: "bring them together with a 1×1 conv2d or strides")
            }
            outputShape = inputShapes[0]
        case .concatenate:
            try severalInputs()
            let lead = Array(inputShapes[0].dimensions.dropLast())
            for shape in inputShapes.dropFirst() where Array(shape.dimensions.dropLast()) != lead {
                throw InputError(
                    place, expected: "inputs that differ in channels only (like \(inputShapes[0]))",
                    received: "\(shape)")
            }
            outputShape = try checked(lead + [inputShapes.reduce(0) { $0 + $1.channels }])
        }
    }

    private mutating func inferConvolution(
        _ filters: Int, _ kernel: Size2D, _ strides: Size2D, _ padding: Padding, _ dilation: Size2D, _ useBias: Bool
    ) throws(InputError) {
        let input = try image()
        let rows = try axis("height", input.height, kernel.height, strides.height, dilation.height, padding, true)
        let columns = try axis("width", input.width, kernel.width, strides.width, dilation.width, padding, false)
        outputShape = try checked([rows.out, columns.out, filters])
        let convolution = ConvolutionGeometry(
            height: input.height, width: input.width, channels: input.channels, kernelHeight: kernel.height,
            kernelWidth: kernel.width, strideHeight: strides.height, strideWidth: strides.width,
            dilationHeight: dilation.height, dilationWidth: dilation.width, padTop: rows.before,
            padLeft: columns.before, outHeight: rows.out, outWidth: columns.out, filters: filters)
        _ = try checked([convolution.outRows, convolution.depth])
        geometry = .convolution(convolution)
        try addParameter("kernel", [kernel.height, kernel.width, input.channels, filters], .weight)
        if useBias { try addParameter("bias", [filters], .bias) }
        multiplyAdds = convolution.multiplyAdds
    }

    /// The lowering that is asked for, checked; else the model's where the convolution can; else the table's.
    private mutating func inferLowering(_ choice: LoweringChoice?) throws(InputError) {
        guard case .convolution(let g)? = geometry else { return }
        switch choice {
        case .auto: lowering = .convolution(ConvolutionLowering(g))
        case nil:
            let kind = modelLowering.flatMap { LoweringTask(.forward, g).allows($0) ? $0 : nil }
            lowering = .convolution(kind.map { ConvolutionLowering(g, kind: $0) } ?? ConvolutionLowering(g))
        case .kind(let kind):
            guard LoweringTask(.forward, g).allows(kind) else { throw refused(kind) }
            lowering = .convolution(ConvolutionLowering(g, kind: kind))
        case .resolved(let resolved):
            for direction in LoweringTask.Direction.allCases {
                let kind = resolved[direction].kind
                guard LoweringTask(direction, g).allows(kind) else { throw refused(kind, direction) }
            }
            lowering = .convolution(resolved)
        }
    }

    private func refused(_ kind: Lowering.Kind, _ direction: LoweringTask.Direction? = nil) -> InputError {
        InputError(
            place, expected: "for lowering \(kind.rawValue), \(kind.requirement)",
            received: "a layer that is not so" + (direction.map { " in its \($0.rawValue)" } ?? ""),
            remedy: "use \"auto\"")
    }

    private mutating func inferPooling(
        _ window: Size2D, _ strides: Size2D, _ padding: Padding
    ) throws(InputError) {
        let input = try image()
        let one = 1
        let rows = try axis("height", input.height, window.height, strides.height, one, padding, true)
        let columns = try axis("width", input.width, window.width, strides.width, one, padding, false)
        guard rows.before < window.height, columns.before < window.width,
            (rows.out - 1) * strides.height - rows.before < input.height,
            (columns.out - 1) * strides.width - columns.before < input.width
        else {
            throw InputError(
                place, expected: "windows that each cover part of the image",
                received: "padding as large as the window",
                remedy: "pad by less than poolSize")
        }
        outputShape = try checked([rows.out, columns.out, input.channels])
        geometry = .pooling(
            PoolingGeometry(
                height: input.height, width: input.width, channels: input.channels, windowHeight: window.height,
                windowWidth: window.width, strideHeight: strides.height, strideWidth: strides.width,
                padTop: rows.before, padLeft: columns.before, outHeight: rows.out, outWidth: columns.out))
    }

    /// The output extent and the leading padding of a window along one axis.
    private func axis(
        _ axis: String, _ extent: Int, _ kernel: Int, _ stride: Int, _ dilation: Int, _ padding: Padding,
        _ vertical: Bool
    ) throws(InputError) -> (out: Int, before: Int) {
        let legal = 1..<1 << 15  // so that nothing below overflows
        guard legal.contains(kernel), legal.contains(stride), legal.contains(dilation) else {
            throw InputError(
                place, expected: "sizes, strides and dilations of at least 1 and below 32768",
                received: "size \(kernel), stride \(stride), dilation \(dilation) along the \(axis)")
        }
        let span = dilation * (kernel - 1) + 1
        let before: Int
        let total: Int
        switch padding {
        case .valid: (before, total) = (0, 0)
        case .same:
            let out = (extent + stride - 1) / stride
            total = max(0, (out - 1) * stride + span - extent)
            before = total / 2
            return (out, before)
        case .explicit(let top, let bottom, let left, let right):
            guard [top, bottom, left, right].allSatisfy({ -1 << 15 < $0 && $0 < 1 << 15 }) else {
                throw InputError(
                    place, expected: "padding above -32768 and below 32768",
                    received: "top \(top), bottom \(bottom), left \(left), right \(right)")
            }
            (before, total) = vertical ? (top, top + bottom) : (left, left + right)
        }
        guard extent + total >= span else {
            throw InputError(
                place, expected: "a window that fits into the image's \(axis), \(extent + total) with padding",
                received: "a window of \(span)", remedy: "use padding \"same\", a smaller window or fewer poolings")
        }
        return ((extent + total - span) / stride + 1, before)
    }

    private func image() throws(InputError) -> Shape {
        guard inputShapes[0].isImage else {
            throw InputError(place, expected: "an image H×W×C", received: "a vector of \(inputShapes[0])")
        }
        return inputShapes[0]
    }

    private func vector() throws(InputError) -> Shape {
        guard inputShapes[0].dimensions.count == 1 else {
            throw InputError(
                place, expected: "a vector", received: "an image of \(inputShapes[0])",
                remedy: "put a flatten or globalAveragePooling2d layer before it")
        }
        return inputShapes[0]
    }

    private func severalInputs() throws(InputError) {
        guard inputShapes.count >= 2 else {
            throw InputError(place, expected: "at least two inputs", received: "\(inputShapes.count)")
        }
    }

    private func checked(_ dimensions: [Int]) throws(InputError) -> Shape {
        guard let shape = Shape(checking: dimensions) else {
            throw InputError(
                place, expected: "positive extents with a product below 2^31",
                received: dimensions.map(String.init).joined(separator: "×"))
        }
        return shape
    }

    private mutating func addParameter(
        _ suffix: String, _ shape: [Int], _ role: ParameterTensor.Role
    ) throws(InputError) {
        let count = try checked(shape).count
        parameters.append(
            ParameterTensor(name: "\(name)/\(suffix)", shape: shape, offset: parameterOffset, role: role))
        parameterOffset += count
        guard parameterOffset <= Int(Int32.max) else {
            throw InputError(place, expected: "fewer than 2^31 parameters in all", received: "\(parameterOffset)")
        }
    }

    private mutating func addState(_ suffix: String, _ count: Int) {
        state.append(
            ParameterTensor(
                name: "\(name)/\(suffix)", shape: [count], offset: stateOffset,
                role: suffix == "moving_mean" ? .shift : .scale))
        stateOffset += count
    }
}
