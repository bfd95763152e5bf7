import Kernels
import Tensors

/// Max and average pooling, over windows or the whole image: ``PoolingKernels``.
final class PoolingOperation: Operation {
    enum Kind { case maximum, average }

    let name: String
    private let kind: Kind
    private let geometry: PoolingGeometry
    private let input, output: Storage
    private let outputGradient, inputGradient: Storage?
    /// The destination of the recomputed input gradient.
    private let recomputedInputGradient: Storage?
    private var argmax = AlignedBuffer<Int32>(count: 0)

    init(_ emission: LayerEmission, kind: Kind, geometry: PoolingGeometry) {
        name = emission.node.name
        self.kind = kind
        self.geometry = geometry
        input = emission.input
        output = emission.output
        outputGradient = emission.outputGradient
        inputGradient = emission.inputGradient
        recomputedInputGradient = emission.recomputed.inputGradient
    }

    func reads(_ pass: Pass) -> [Storage] { pass == .forward ? [input] : [outputGradient].compactMap { $0 } }
    func writes(_ pass: Pass) -> [Storage] {
        switch pass {
        case .forward: [output]
        case .recompute: [recomputedInputGradient].compactMap { $0 }
        default: [inputGradient].compactMap { $0 }
        }
    }

    func prepare(capacity: Int, shards: Int, workers: Int) {
        guard kind == .maximum, inputGradient != nil else { return }
        argmax = AlignedBuffer(count: capacity * geometry.outputCount)
    }

    func run(_ pass: Pass, _ chunk: borrowing Chunk) {
        let remembers = argmax.count > 0
        for image in chunk.images {
            let places =
                argmax.pointer + (remembers ? (image - chunk.run.images.lowerBound) * geometry.outputCount : 0)
            if pass == .forward {
                let x = input.pointer(image, chunk), y = output.pointer(image, chunk)
                switch kind {
                case .maximum: PoolingKernels.maximum(geometry, x: x, y: y, argmax: remembers ? places : nil)
                case .average: PoolingKernels.average(geometry, x: x, y: y)
                }
            } else if let outputGradient, let target = pass == .recompute ? recomputedInputGradient : inputGradient {
                let dy = outputGradient.pointer(image, chunk), dx = target.pointer(image, chunk)
                switch kind {
                case .maximum: PoolingKernels.maximumGradient(geometry, dy: dy, argmax: places, dx: dx)
                case .average: PoolingKernels.averageGradient(geometry, dy: dy, dx: dx)
                }
            }
        }
    }
}
