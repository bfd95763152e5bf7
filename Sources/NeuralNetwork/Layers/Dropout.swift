import Formats
import Kernels
import Tensors

extension Layer {
    /// In training, zeroes each element with probability `rate` in [0, 1) and multiplies the others by `1/(1 − rate)`;
    /// at inference, passes its input through.
    public static func dropout(rate: Float) -> Layer { Layer(Dropout(rate: rate)) }
}

/// ``Layer/dropout(rate:)``. Srivastava et al. 2014.
package struct Dropout: LayerKind {
    package var rate: Float = 0

    package static let type = "dropout"
    package static var options: Section<Dropout> {
        Section(
            initial: Dropout(),
            fields: [.key("rate", \.rate, .number(.below(0, 1)), isRequired: true, "How often a value is zeroed.")])
    }

    package var traits: LayerTraits { LayerTraits(isView: rate == 0, isViewAtInference: true) }

    package func infer(_ node: inout NodeBuilder) throws(InputError) {
        guard rate >= 0, rate < 1 else {
            throw InputError(node.place, expected: "a rate from 0 to below 1", received: "\(rate)")
        }
        node.outputShape = node.inputShapes[0]
    }

    package func operation(_ emission: LayerEmission) -> (any Operation)? {
        DropoutOperation(emission, rate: rate)
    }

    package func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] { [] }
}

/// `y = x·mask / (1 − rate)`. The mask of a sample is drawn at the address (seed, dropout, step, sample, layer).
private final class DropoutOperation: Operation {
    let name: String
    private let rate: Float
    private let stream: UInt32
    private let input, output: Storage
    private let outputGradient, inputGradient: Storage?
    private var mask = AlignedBuffer<UInt8>(count: 0)
    private let maskBytes: Int

    init(_ emission: LayerEmission, rate: Float) {
        name = emission.node.name
        self.rate = rate
        stream = UInt32(emission.index)
        input = emission.input
        output = emission.output
        outputGradient = emission.outputGradient
        inputGradient = emission.inputGradient
        maskBytes = ElementwiseKernels.maskBytes(input.floatsPerImage)
    }

    func reads(_ pass: Pass) -> [Storage] { pass == .forward ? [input] : [outputGradient].compactMap { $0 } }
    func writes(_ pass: Pass) -> [Storage] { pass == .forward ? [output] : [inputGradient].compactMap { $0 } }

    func prepare(capacity: Int, shards: Int, workers: Int) { mask = AlignedBuffer(count: capacity * maskBytes) }

    func run(_ pass: Pass, _ chunk: borrowing Chunk) {
        let count = input.floatsPerImage, scale = ElementwiseKernels.dropoutScale(rate)
        for image in chunk.images {
            let bytes = mask.pointer + (image - chunk.run.images.lowerBound) * maskBytes
            if pass == .forward {
                let address = RandomAddress(
                    seed: chunk.run.seed, purpose: .dropout, major: chunk.run.step, minor: UInt32(image),
                    stream: stream)
                ElementwiseKernels.dropoutMask(address, count: count, rate: rate, mask: bytes)
                ElementwiseKernels.applyMask(
                    input.pointer(image, chunk), mask: bytes, scale: scale, count: count,
                    y: output.pointer(image, chunk))
            } else if let outputGradient, let inputGradient {
                ElementwiseKernels.applyMask(
                    outputGradient.pointer(image, chunk), mask: bytes, scale: scale, count: count,
                    y: inputGradient.pointer(image, chunk))
            }
        }
    }
}
