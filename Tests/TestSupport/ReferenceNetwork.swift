import NeuralNetwork
import Tensors

/// A whole network in `Double`, layer after layer as the graph lists them: nothing fused, shared or reordered. Shapes
/// and paddings are worked out here again from what the layers say.
package struct ReferenceNetwork: Sendable {
    package let graph: ResolvedGraph
    package var parameters: [Double]
    package var state: [Double]

    /// What training needs to know beside the batch.
    package struct Step: Sendable {
        package var seed: UInt64
        package var number: Int
        package var labelSmoothing: Double

        package init(seed: UInt64 = 0, number: Int = 0, labelSmoothing: Double = 0) {
            self.seed = seed
            self.number = number
            self.labelSmoothing = labelSmoothing
        }
    }

    package struct Outcome: Sendable {
        package var lossSum: Double
        package var correct: Int
        /// Of the mean loss, by every parameter.
        package var gradients: [Double]
        /// The running statistics after the step.
        package var state: [Double]
    }

    /// A batch on its way through the network.
    struct Trace {
        var shapes: [[Int]] = []
        var outputs: [[Double]] = []
        var places: [Int: [Int]] = [:]
        var masks: [Int: [Double]] = [:]
        var state: [Double]
    }

    package init(_ graph: ResolvedGraph, parameters: [Double], state: [Double]) {
        self.graph = graph
        self.parameters = parameters
        self.state = state
    }

    /// The output shape of every layer.
    package func shapes() -> [[Int]] {
        var shapes: [[Int]] = []
        for node in graph.nodes { shapes.append(shape(node, inputShapes(node, shapes))) }
        return shapes
    }

    /// Class probabilities by the running statistics.
    package func probabilities(images: [Double], count: Int) -> [Double] {
        probabilities(forward(images, count: count, step: nil))
    }

    /// What every layer gives, in the order of the graph, by the running statistics.
    package func outputs(images: [Double], count: Int) -> [[Double]] {
        forward(images, count: count, step: nil).outputs
    }

    /// Σ of the samples' losses in training, forward only: what central differences probe.
    package func lossSum(images: [Double], labels: [Int32], step: Step) -> Double {
        lossSum(forward(images, count: labels.count, step: step), labels, step)
    }

    /// One training step without the update: loss, gradients, new running statistics.
    package func train(images: [Double], labels: [Int32], step: Step = Step()) -> Outcome {
        let trace = forward(images, count: labels.count, step: step)
        let p = probabilities(trace), classes = graph.classCount
        var correct = 0
        for (image, label) in labels.enumerated() {
            let row = Array(p[image * classes..<(image + 1) * classes])
            if row.firstIndex(of: row.max() ?? 0) == Int(label) { correct += 1 }
        }
        return Outcome(
            lossSum: lossSum(trace, labels, step), correct: correct,
            gradients: backward(trace, images, labels, step), state: trace.state)
    }

    private func probabilities(_ trace: Trace) -> [Double] {
        let last = trace.outputs[trace.outputs.count - 1]
        return graph.endsInSoftmax ? last : Reference.softmax(last, columns: graph.classCount)
    }

    private func lossSum(_ trace: Trace, _ labels: [Int32], _ step: Step) -> Double {
        let p = probabilities(trace), classes = graph.classCount
        var sum = 0.0
        for (image, label) in labels.enumerated() {
            let t = Reference.target(label: Int(label), classes: classes, smoothing: step.labelSmoothing)
            for k in 0..<classes where t[k] > 0 { sum -= t[k] * logarithm(p[image * classes + k]) }
        }
        return sum
    }

    // MARK: - Shapes

    private func inputShapes(_ node: ResolvedGraph.Node, _ shapes: [[Int]]) -> [[Int]] {
        node.inputs.map { $0 < 0 ? graph.inputShape.dimensions : shapes[$0] }
    }

    private func shape(_ node: ResolvedGraph.Node, _ inputs: [[Int]]) -> [Int] {
        let x = inputs[0]
        switch node.layer.kind {
        case let layer as Conv2D:
            let g = convolution(node, x, 1)
            return [g.outHeight, g.outWidth, layer.filters]
        case let layer as Dense: return [layer.units]
        case is any PoolingLayer:
            let g = pooling(node, x, 1)
            return [g.outHeight, g.outWidth, x[2]]
        case is GlobalAveragePooling2D, is GlobalMaxPooling2D: return [x[2]]
        case let layer as DepthwiseConv2D:
            let g = depthwise(layer, x, 1)
            return [g.outHeight, g.outWidth, x[2]]
        case let layer as GroupedConv2D:
            let g = grouped(layer, x, 1)
            return [g.outHeight, g.outWidth, layer.filters]
        case let layer as Conv2DTranspose:
            let g = transposed(layer, x, 1)
            return [g.height, g.width, layer.filters]
        case let layer as UpSampling2D: return [x[0] * layer.size.height, x[1] * layer.size.width, x[2]]
        case is Flatten: return [x.reduce(1, *)]
        case is Concatenate: return x.dropLast() + [inputs.reduce(0) { $0 + ($1.last ?? 0) }]
        default: return x
        }
    }

    /// (top, bottom) or (left, right).
    private func border(_ padding: Padding, _ extent: Int, _ span: Int, _ stride: Int, vertical: Bool) -> (Int, Int) {
        switch padding {
        case .valid: return (0, 0)
        case .explicit(let top, let bottom, let left, let right): return vertical ? (top, bottom) : (left, right)
        case .same:
            // TensorFlow: out = ceil(in / stride), the odd one after.
            let total = extent % stride == 0 ? max(span - stride, 0) : max(span - extent % stride, 0)
            return (total / 2, total - total / 2)
        }
    }

    func convolution(_ node: ResolvedGraph.Node, _ x: [Int], _ images: Int) -> ReferenceConvolution {
        guard let layer = node.layer.as(Conv2D.self) else { preconditionFailure("not a convolution") }
        return convolution(
            x, images, layer.kernelSize, layer.strides, layer.padding, layer.dilation, channels: x[2],
            filters: layer.filters)
    }

    /// Of one channel.
    func depthwise(_ layer: DepthwiseConv2D, _ x: [Int], _ images: Int) -> ReferenceConvolution {
        convolution(
            x, images, layer.kernelSize, layer.strides, layer.padding, layer.dilation, channels: 1, filters: 1)
    }

    /// Of one group.
    func grouped(_ layer: GroupedConv2D, _ x: [Int], _ images: Int) -> ReferenceConvolution {
        convolution(
            x, images, layer.kernelSize, layer.strides, layer.padding, layer.dilation, channels: x[2] / layer.groups,
            filters: layer.filters / layer.groups)
    }

    /// The convolution from the output back to the input.
    func transposed(_ layer: Conv2DTranspose, _ x: [Int], _ images: Int) -> ReferenceConvolution {
        let (k, s, d) = (layer.kernelSize, layer.strides, layer.dilation)
        let tall = d.height * (k.height - 1) + 1, wide = d.width * (k.width - 1) + 1
        var border = (top: 0, bottom: 0, left: 0, right: 0)
        switch layer.padding {
        case .valid: break
        case .explicit(let top, let bottom, let left, let right): border = (top, bottom, left, right)
        case .same:
            // What makes the output s times the input; kernels smaller than the stride leave zeros behind.
            let rows = tall - s.height, columns = wide - s.width
            border = (max(rows, 0) / 2, rows - max(rows, 0) / 2, max(columns, 0) / 2, columns - max(columns, 0) / 2)
        }
        var g = ReferenceConvolution(
            images: images, (x[0] - 1) * s.height + tall - border.top - border.bottom,
            (x[1] - 1) * s.width + wide - border.left - border.right, layer.filters, kernel: (k.height, k.width),
            filters: x[2])
        (g.strideHeight, g.strideWidth, g.dilationHeight, g.dilationWidth) = (s.height, s.width, d.height, d.width)
        (g.top, g.bottom, g.left, g.right) = (border.top, border.bottom, border.left, border.right)
        return g
    }

    private func convolution(
        _ x: [Int], _ images: Int, _ kernel: Size2D, _ strides: Size2D, _ padding: Padding, _ dilation: Size2D,
        channels: Int, filters: Int
    ) -> ReferenceConvolution {
        var g = ReferenceConvolution(
            images: images, x[0], x[1], channels, kernel: (kernel.height, kernel.width), filters: filters)
        (g.strideHeight, g.strideWidth) = (strides.height, strides.width)
        (g.dilationHeight, g.dilationWidth) = (dilation.height, dilation.width)
        let tall = dilation.height * (kernel.height - 1) + 1, wide = dilation.width * (kernel.width - 1) + 1
        (g.top, g.bottom) = border(padding, x[0], tall, strides.height, vertical: true)
        (g.left, g.right) = border(padding, x[1], wide, strides.width, vertical: false)
        return g
    }

    func pooling(_ node: ResolvedGraph.Node, _ x: [Int], _ images: Int) -> ReferencePooling {
        let window: Size2D, strides: Size2D, padding: Padding
        var dilation = Size2D(1)
        switch node.layer.kind {
        case let layer as any PoolingLayer:
            (window, strides, padding) = (layer.poolSize, layer.strides ?? layer.poolSize, layer.padding)
            dilation = layer.dilation
        default: (window, strides, padding) = (Size2D(x[0], x[1]), Size2D(1), .valid)
        }
        var g = ReferencePooling(
            images: images, x[0], x[1], x[2], window: (window.height, window.width),
            stride: (strides.height, strides.width))
        (g.dilationHeight, g.dilationWidth) = (dilation.height, dilation.width)
        let tall = dilation.height * (window.height - 1) + 1, wide = dilation.width * (window.width - 1) + 1
        (g.top, g.bottom) = border(padding, x[0], tall, strides.height, vertical: true)
        (g.left, g.right) = border(padding, x[1], wide, strides.width, vertical: false)
        return g
    }
}
