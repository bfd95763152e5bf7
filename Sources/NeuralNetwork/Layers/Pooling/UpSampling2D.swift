import Formats
import Kernels
import Tensors

extension Layer {
    /// Repeats each pixel `size.height`×`size.width` times, `[H, W, C]` to `[H·h, W·w, C]`: nearest neighbour.
    public static func upSampling2d(size: Size2D = Size2D(2)) -> Layer { Layer(UpSampling2D(size: size)) }
}

/// ``Layer/upSampling2d(size:)``; the gradient of a pixel is the sum over its copies.
package struct UpSampling2D: LayerKind {
    package var size = Size2D(2)

    package static let type = "upSampling2d"
    package static var options: Section<UpSampling2D> {
        Section(
            initial: UpSampling2D(),
            fields: [.key("size", \.size, .size(1...1024), "Copies of a pixel, down and across.")])
    }

    package var featureOrder: FeatureOrderRule { .own }

    package func infer(_ node: inout NodeBuilder) throws(InputError) {
        let image = try node.image()
        guard size.height >= 1, size.width >= 1, size.height <= 1024, size.width <= 1024 else {
            throw InputError(node.place, expected: "a size of 1…1024", received: "\(size)")
        }
        node.outputShape = try node.checked([image.height * size.height, image.width * size.width, image.channels])
    }

    package func operation(_ emission: LayerEmission) -> (any Operation)? { UpSamplingOperation(emission, size) }

    /// Repeats each extent along an axis of its own, which all operator sets and runtimes support.
    package func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] {
        let (x, y) = (node.inputShapes[0], node.outputShape)
        return [
            ONNXNode(
                "Reshape", [.input(0), .integers([0, x.channels, x.height, 1, x.width, 1], name: "apart")],
                suffix: "apart"),
            ONNXNode(
                "Tile", [.node(0), .integers([1, 1, 1, size.height, 1, size.width], name: "copies")], suffix: "copies"),
            ONNXNode("Reshape", [.node(1), .integers([0, y.channels, y.height, y.width], name: "shape")]),
        ]
    }
}

private final class UpSamplingOperation: Operation {
    let name: String
    private let size: Size2D
    private let image: Shape
    private let input, output: Storage
    private let outputGradient, inputGradient: Storage?

    init(_ emission: LayerEmission, _ size: Size2D) {
        name = emission.node.name
        self.size = size
        image = emission.node.inputShapes[0]
        input = emission.input
        output = emission.output
        outputGradient = emission.outputGradient
        inputGradient = emission.inputGradient
    }

    func reads(_ pass: Pass) -> [Storage] { pass == .forward ? [input] : [outputGradient].compactMap { $0 } }
    func writes(_ pass: Pass) -> [Storage] { pass == .forward ? [output] : [inputGradient].compactMap { $0 } }

    func run(_ pass: Pass, _ chunk: borrowing Chunk) {
        for index in chunk.images {
            if pass == .forward {
                copy(input.pointer(index, chunk), to: output.pointer(index, chunk))
            } else if let outputGradient, let inputGradient {
                sum(outputGradient.pointer(index, chunk), to: inputGradient.pointer(index, chunk))
            }
        }
    }

    private func copy(_ x: UnsafeMutablePointer<Float>, to y: UnsafeMutablePointer<Float>) {
        let c = image.channels, across = image.width * size.width
        for row in 0..<image.height * size.height {
            let source = x + row / size.height * image.width * c, target = y + row * across * c
            for column in 0..<across {
                (target + column * c).update(from: source + column / size.width * c, count: c)
            }
        }
    }

    /// Sums the copies of each pixel, by rows, then columns.
    private func sum(_ dy: UnsafeMutablePointer<Float>, to dx: UnsafeMutablePointer<Float>) {
        let c = image.channels, across = image.width * size.width
        dx.update(repeating: 0, count: image.count)
        for row in 0..<image.height * size.height {
            let source = dy + row * across * c, target = dx + row / size.height * image.width * c
            for column in 0..<across {
                let pixel = target + column / size.width * c
                ElementwiseKernels.add(pixel, source + column * c, count: c, y: pixel)
            }
        }
    }
}
