import Kernels
import Tensors

/// `y = f(x)` for an ``Activation`` that could not ride along with batch-norm.
final class ActivationOperation: Operation {
    let name: String
    private let activation: Activation
    private let input, output: Storage
    private let outputGradient, inputGradient: Storage?

    init(
        name: String, activation: Activation, input: Storage, output: Storage, outputGradient: Storage?,
        inputGradient: Storage?
    ) {
        self.name = name
        self.activation = activation
        self.input = input
        self.output = output
        self.outputGradient = outputGradient
        self.inputGradient = inputGradient
    }

    private var derivativeSource: Storage { activation.derivativeUsesOutput ? output : input }

    func reads(_ pass: Pass) -> [Storage] {
        pass == .forward ? [input] : [outputGradient, derivativeSource].compactMap { $0 }
    }

    func writes(_ pass: Pass) -> [Storage] { pass == .forward ? [output] : [inputGradient].compactMap { $0 } }

    func run(_ pass: Pass, _ chunk: borrowing Chunk) {
        let first = chunk.images.lowerBound, count = chunk.images.count * input.floatsPerImage
        if pass == .forward {
            activation.forward(input.pointer(first, chunk), count: count, y: output.pointer(first, chunk))
        } else if let outputGradient, let inputGradient {
            activation.backward(
                dy: outputGradient.pointer(first, chunk), value: derivativeSource.pointer(first, chunk),
                count: count, dx: inputGradient.pointer(first, chunk))
        }
    }
}

/// Max, average and global average pooling: ``PoolingKernels``.
final class PoolingOperation: Operation {
    enum Kind { case maximum, average }

    let name: String
    private let kind: Kind
    private let geometry: PoolingGeometry
    private let input, output: Storage
    private let outputGradient, inputGradient: Storage?
    /// Where the input gradient is computed a second time.
    private let recomputedInputGradient: Storage?
    private var argmax = AlignedBuffer<Int32>(count: 0)

    init(
        name: String, kind: Kind, geometry: PoolingGeometry, input: Storage, output: Storage,
        outputGradient: Storage?, inputGradient: Storage?, recomputedInputGradient: Storage?
    ) {
        self.name = name
        self.kind = kind
        self.geometry = geometry
        self.input = input
        self.output = output
        self.outputGradient = outputGradient
        self.inputGradient = inputGradient
        self.recomputedInputGradient = recomputedInputGradient
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

/// `y = x·mask / (1 − rate)`. The mask of a sample is drawn at the address (seed, dropout, step, sample, layer).
/// Source: Srivastava et al. 2014.
final class DropoutOperation: Operation {
    let name: String
    private let rate: Float
    private let stream: UInt32
    private let input, output: Storage
    private let outputGradient, inputGradient: Storage?
    private var mask = AlignedBuffer<UInt8>(count: 0)
    private let maskBytes: Int

    init(
        name: String, rate: Float, stream: UInt32, input: Storage, output: Storage, outputGradient: Storage?,
        inputGradient: Storage?
    ) {
        self.name = name
        self.rate = rate
        self.stream = stream
        self.input = input
        self.output = output
        self.outputGradient = outputGradient
        self.inputGradient = inputGradient
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

/// Softmax inside a network. (A last softmax layer is part of the loss instead.)
final class SoftmaxOperation: Operation {
    let name: String
    private let columns: Int
    private let input, output: Storage
    private let outputGradient, inputGradient: Storage?

    init(
        name: String, columns: Int, input: Storage, output: Storage, outputGradient: Storage?, inputGradient: Storage?
    ) {
        self.name = name
        self.columns = columns
        self.input = input
        self.output = output
        self.outputGradient = outputGradient
        self.inputGradient = inputGradient
    }

    func reads(_ pass: Pass) -> [Storage] { pass == .forward ? [input] : [outputGradient, output].compactMap { $0 } }
    func writes(_ pass: Pass) -> [Storage] { pass == .forward ? [output] : [inputGradient].compactMap { $0 } }

    func run(_ pass: Pass, _ chunk: borrowing Chunk) {
        let first = chunk.images.lowerBound, rows = chunk.images.count * (input.floatsPerImage / columns)
        if pass == .forward {
            SoftmaxKernels.forward(
                input.pointer(first, chunk), rows: rows, columns: columns, p: output.pointer(first, chunk))
        } else if let outputGradient, let inputGradient {
            SoftmaxKernels.backward(
                dp: outputGradient.pointer(first, chunk), p: output.pointer(first, chunk), rows: rows,
                columns: columns, dz: inputGradient.pointer(first, chunk))
        }
    }
}
