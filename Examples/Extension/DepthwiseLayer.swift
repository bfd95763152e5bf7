import Numeral

/// Each channel by a kernel of its own, and a bias: a layer of which only the forward pass is written.
struct DepthwiseLayer: TapeLayer {
    var kernelSize = Size2D(3)

    static let type = "myDepthwise"
    static var options: Section<DepthwiseLayer> {
        Section(
            initial: DepthwiseLayer(),
            fields: [.key("kernelSize", \.kernelSize, .size(1...31), "Rows and columns of a kernel.")])
    }

    func forward(_ inputs: [TapeValue], _ tape: Tape) -> TapeValue {
        let channels = inputs[0].shape.channels
        let kernel = tape.parameter("kernel", [kernelSize.height, kernelSize.width, 1, channels])
        return inputs[0].depthwiseConvolved(with: kernel, padding: .same) + tape.parameter("bias", [channels], .bias)
    }

    func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] {
        let rows = kernelSize.height - 1, columns = kernelSize.width - 1
        return [
            ONNXNode(
                "Conv", [.input(0)] + node.parameters.map { .parameter($0) },
                attributes: [
                    ("group", .int(node.outputShape.channels)),
                    ("pads", .ints([rows / 2, columns / 2, rows - rows / 2, columns - columns / 2])),
                ])
        ]
    }
}
