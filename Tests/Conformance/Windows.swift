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
        let groups = node.int("group", 1), isDepthwise = groups > 1
        if isDepthwise, weights.shape[0] != groups || images.channels != groups {
            throw Refusal("\(groups) groups of \(images.channels) channels: depthwiseConv2d has one channel in each")
        }
        let strides = try size(node.ints("strides"), images), dilation = try size(node.ints("dilations"), images)
        let padding = try padding(node, images, span: span(kernel, dilation), strides: strides)
        let bias = inputs.count > 2 ? inputs[2] : nil
        let layer: Layer =
            isDepthwise
            ? .depthwiseConv2d(
                kernelSize: kernel, strides: strides, padding: padding, dilation: dilation, useBias: bias != nil)
            : .conv2d(
                filters: weights.shape[0], kernelSize: kernel, strides: strides, padding: padding, dilation: dilation,
                useBias: bias != nil)
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

    static func pooling(_ node: Onnx_NodeProto, _ inputs: [Value]) throws -> Value {
        let images = try Images(inputs[0])
        let isMax = node.opType == "MaxPool"
        guard node.outputCount == 1 else { throw Refusal("a second output, the indices of the largest") }
        try node.require("ceil_mode", 0, "windows that pass the padded border are left out")
        if let dilations = node.ints("dilations"), dilations.contains(where: { $0 != 1 }) {
            throw Refusal("dilations = \(dilations): pooling windows have none")
        }
        let window = try size(node.ints("kernel_shape"), images), strides = try size(node.ints("strides"), images)
        let padding = try padding(node, images, span: window, strides: strides)
        if !isMax, padding != .valid {
            try node.require("count_include_pad", 0, "averages count what lies inside the image")
        }
        let layer: Layer =
            isMax
            ? .maxPooling2d(poolSize: window, strides: strides, padding: padding)
            : .averagePooling2d(poolSize: window, strides: strides, padding: padding)
        return try output(Engine(input: images.sample, layer), images)
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
