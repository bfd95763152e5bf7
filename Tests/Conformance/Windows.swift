import NeuralNetwork
import ONNX

/// Convolutions and pooling of ONNX, `[N, C, H, W]` or `[N, C, L]`, as layers of this project over `[N, H, W, C]`.
enum Windows {
    /// A batch of images whose channels come last. A signal of length L is an image of L rows and one column.
    struct Images {
        let count, height, width, channels: Int
        let isSignal: Bool
        let data: [Float]

        init(_ x: Value) throws {
            guard x.type == .float else { throw Refusal("numbers of type \(x.type); the engine computes in float32") }
            guard x.shape.count == 4 || x.shape.count == 3 else {
                throw Refusal("\(x.shape.count - 2) spatial axes: images have two")
            }
            isSignal = x.shape.count == 3
            (count, channels, height, width) = (x.shape[0], x.shape[1], x.shape[2], isSignal ? 1 : x.shape[3])
            data = x.rows(along: 1)
        }

        var sample: [Int] { [height, width, channels] }
    }

    /// The result of `engine` on `images`, with channels second again.
    private static func output(_ engine: Engine, _ images: Images) throws -> Value {
        let shape = engine.outputShape
        let y = try engine.infer(images.data, count: images.count)
        let spatial = images.isSignal ? [shape.height] : [shape.height, shape.width]
        return Value.from(rows: y, along: 1, shape: [images.count, shape.channels] + spatial)
    }

    /// Height and width of an attribute; a signal's width is `otherwise`.
    private static func size(_ values: [Int]?, _ images: Images, otherwise: Int = 1) throws -> Size2D {
        let values = values ?? [Int](repeating: otherwise, count: images.isSignal ? 1 : 2)
        guard values.count == (images.isSignal ? 1 : 2) else { throw Refusal("\(values.count) extents of a window") }
        return images.isSignal ? Size2D(values[0], otherwise) : Size2D(values[0], values[1])
    }

    private static func padding(_ node: Onnx_NodeProto, _ images: Images, span: Size2D, strides: Size2D) throws
        -> Padding
    {
        switch node.text("auto_pad", "NOTSET") {
        case "SAME_UPPER": return .same
        case "VALID": return .valid
        case "SAME_LOWER":
            // What `same` pads, with the odd one in front: no name in a configuration, but explicit numbers.
            func pads(_ extent: Int, _ span: Int, _ stride: Int) -> (Int, Int) {
                let total = max(0, ((extent + stride - 1) / stride - 1) * stride + span - extent)
                return (total - total / 2, total / 2)
            }
            let rows = pads(images.height, span.height, strides.height)
            let columns = pads(images.width, span.width, strides.width)
            return .explicit(top: rows.0, bottom: rows.1, left: columns.0, right: columns.1)
        default:
            guard let pads = node.ints("pads"), pads.contains(where: { $0 != 0 }) else { return .valid }
            return images.isSignal
                ? .explicit(top: pads[0], bottom: pads[1], left: 0, right: 0)
                : .explicit(top: pads[0], bottom: pads[2], left: pads[1], right: pads[3])
        }
    }

    private static func span(_ kernel: Size2D, _ dilation: Size2D) -> Size2D {
        Size2D(dilation.height * (kernel.height - 1) + 1, dilation.width * (kernel.width - 1) + 1)
    }

    static func convolution(_ node: Onnx_NodeProto, _ inputs: [Value]) throws -> Value {
        let images = try Images(inputs[0])
        let weights = inputs[1]
        let kernel = try size(Array(weights.shape[2...]), images)
        let groups = node.int("group", 1),
            isDepthwise = groups > 1 && weights.shape[0] == groups && images.channels == groups
        let strides = try size(node.ints("strides"), images), dilation = try size(node.ints("dilations"), images)
        let padding = try padding(node, images, span: span(kernel, dilation), strides: strides)
        let bias = inputs.count > 2 ? inputs[2] : nil
        let layer: Layer =
            isDepthwise
            ? .depthwiseConv2d(
                kernelSize: kernel, strides: strides, padding: padding, dilation: dilation, useBias: bias != nil)
            : groups > 1
                ? .groupedConv2d(
                    filters: weights.shape[0], kernelSize: kernel, groups: groups, strides: strides, padding: padding,
                    dilation: dilation, useBias: bias != nil)
                : .conv2d(
                    filters: weights.shape[0], kernelSize: kernel, strides: strides, padding: padding,
                    dilation: dilation, useBias: bias != nil)
        var engine = try Engine(input: images.sample, layer)
        // [out, in, kH, kW] to [kH, kW, in, out]
        let (filters, channels, taps) = (weights.shape[0], weights.shape[1], kernel.height * kernel.width)
        var hwio: [Float] = []
        for tap in 0..<taps {
            for channel in 0..<channels {
                for filter in 0..<filters { hwio.append(weights.data[(filter * channels + channel) * taps + tap]) }
            }
        }
        engine.tensors["\(layer.type)_1/kernel"] = hwio
        engine.tensors["\(layer.type)_1/bias"] = bias?.data
        return try output(engine, images)
    }

    static func transposedConvolution(_ node: Onnx_NodeProto, _ inputs: [Value]) throws -> Value {
        let images = try Images(inputs[0])
        let weights = inputs[1]
        try node.require("group", 1, "transposed convolutions have one group")
        let kernel = try size(Array(weights.shape[2...]), images)
        let strides = try size(node.ints("strides"), images), dilation = try size(node.ints("dilations"), images)
        let spans = span(kernel, dilation), further = node.ints("output_padding") ?? [0, 0]
        var pads = node.ints("pads") ?? [0, 0, 0, 0]
        if images.isSignal { pads = [pads[0], 0, pads.count == 2 ? pads[1] : pads[2], 0] }
        let rows = images.isSignal ? further[0] : further[0], columns = images.isSignal ? 0 : further[1]
        // More behind is what padding takes away less of.
        var padding = Padding.explicit(top: pads[0], bottom: pads[2] - rows, left: pads[1], right: pads[3] - columns)
        let auto = node.text("auto_pad", "NOTSET")
        if let wanted = node.ints("output_shape") {
            // ONNX: the total is shared out, the larger half behind, or in front for SAME_UPPER.
            func share(_ extent: Int, _ stride: Int, _ span: Int, _ out: Int, _ further: Int) -> (Int, Int) {
                let total = stride * (extent - 1) + further + span - out
                // Less than nothing taken away is zeros behind.
                guard total > 0 else { return (0, total) }
                return auto == "SAME_UPPER" ? (total / 2, total - total / 2) : (total - total / 2, total / 2)
            }
            let y = share(
                images.height, strides.height, spans.height, wanted[wanted.count - (images.isSignal ? 1 : 2)], rows)
            let x =
                images.isSignal
                ? (0, 0) : share(images.width, strides.width, spans.width, wanted[wanted.count - 1], columns)
            padding = .explicit(top: y.0, bottom: y.1 - rows, left: x.0, right: x.1 - columns)
        } else if auto == "SAME_UPPER" {
            padding = .same
        } else if auto != "NOTSET", auto != "VALID" {
            throw Refusal("auto_pad = \(auto)")
        }
        let filters = weights.shape[1], bias = inputs.count > 2 ? inputs[2] : nil
        let layer = Layer.conv2dTranspose(
            filters: filters, kernelSize: kernel, strides: strides, padding: padding, dilation: dilation,
            useBias: bias != nil)
        var engine = try Engine(input: images.sample, layer)
        // [in, out, kH, kW] to [kH, kW, out, in]
        let (channels, taps) = (weights.shape[0], kernel.height * kernel.width)
        var values: [Float] = []
        for tap in 0..<taps {
            for filter in 0..<filters {
                for channel in 0..<channels { values.append(weights.data[(channel * filters + filter) * taps + tap]) }
            }
        }
        engine.tensors["conv2dTranspose_1/kernel"] = values
        engine.tensors["conv2dTranspose_1/bias"] = bias?.data
        return try output(engine, images)
    }

    static func pooling(_ node: Onnx_NodeProto, _ inputs: [Value]) throws -> Value {
        let images = try Images(inputs[0])
        let isMax = node.opType == "MaxPool"
        guard node.outputCount == 1 else { throw Refusal("a second output, the indices of the largest") }
        let window = try size(node.ints("kernel_shape"), images), strides = try size(node.ints("strides"), images)
        let dilation = try size(node.ints("dilations"), images)
        guard isMax || dilation == Size2D(1) else {
            throw Refusal("dilations = \(dilation): averages have none")
        }
        let span = Size2D(
            dilation.height * (window.height - 1) + 1, dilation.width * (window.width - 1) + 1)
        var padding = try padding(node, images, span: span, strides: strides)
        if !isMax, padding != .valid, node.int("count_include_pad", 0) == 1 {
            try node.require("ceil_mode", 0, "averages that count zeros, and those beyond the padding")
            return try averageOfZerosToo(images, window, strides, padding)
        }
        if node.int("ceil_mode", 0) == 1 { padding = roundedUp(padding, images, span, strides) }
        let layer: Layer =
            isMax
            ? .maxPooling2d(poolSize: window, strides: strides, padding: padding, dilation: dilation)
            : .averagePooling2d(poolSize: window, strides: strides, padding: padding)
        return try output(Engine(input: images.sample, layer), images)
    }

    /// A window more where one begins inside: padding behind, which pooling does not count.
    private static func roundedUp(_ padding: Padding, _ images: Images, _ window: Size2D, _ strides: Size2D) -> Padding
    {
        var sides = (top: 0, bottom: 0, left: 0, right: 0)
        if case .explicit(let top, let bottom, let left, let right) = padding { sides = (top, bottom, left, right) }
        func behind(_ extent: Int, _ span: Int, _ stride: Int, _ before: Int, _ after: Int) -> Int {
            var out = (extent + before + after - span + stride - 1) / stride + 1
            if (out - 1) * stride >= extent + before { out -= 1 }
            return max(after, (out - 1) * stride + span - extent - before)
        }
        return .explicit(
            top: sides.top, bottom: behind(images.height, window.height, strides.height, sides.top, sides.bottom),
            left: sides.left, right: behind(images.width, window.width, strides.width, sides.left, sides.right))
    }

    /// Averages that count the zeros around the image: a convolution of each channel.
    private static func averageOfZerosToo(
        _ images: Images, _ window: Size2D, _ strides: Size2D, _ padding: Padding
    ) throws -> Value {
        var engine = try Engine(
            input: images.sample,
            .depthwiseConv2d(kernelSize: window, strides: strides, padding: padding, useBias: false))
        let taps = window.height * window.width
        engine.tensors["depthwiseConv2d_1/kernel"] = Array(
            repeating: 1 / Float(taps), count: taps * images.channels)
        return try output(engine, images)
    }

    static func globalPooling(_ node: Onnx_NodeProto, _ inputs: [Value]) throws -> Value {
        let images = try Images(inputs[0])
        let layer: Layer =
            node.opType == "GlobalAveragePool"
            ? .globalAveragePooling2d : .globalMaxPooling2d
        let y = try Engine(input: images.sample, layer).infer(images.data, count: images.count)
        return Value([images.count, images.channels] + (images.isSignal ? [1] : [1, 1]), y)
    }
}
