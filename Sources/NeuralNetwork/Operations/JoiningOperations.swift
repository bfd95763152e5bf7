import Kernels
import Tensors

/// `y = Σ x_i`. Forward, the `add` layer (its gradient is the output's own, shared without a copy); in the backward
/// pass, the sum of the gradients that a layer's several readers send back.
final class SumOperation: Operation {
    let name: String
    private let pass: Pass
    private let inputs: [Storage]
    private let output: Storage

    init(name: String, pass: Pass, inputs: [Storage], output: Storage) {
        self.name = name
        self.pass = pass
        self.inputs = inputs
        self.output = output
    }

    func reads(_ pass: Pass) -> [Storage] { pass == self.pass ? inputs : [] }
    func writes(_ pass: Pass) -> [Storage] { pass == self.pass ? [output] : [] }

    func run(_ pass: Pass, _ chunk: borrowing Chunk) {
        guard pass == self.pass else { return }
        let first = chunk.images.lowerBound, count = chunk.images.count * output.floatsPerImage
        let y = output.pointer(first, chunk)
        ElementwiseKernels.add(inputs[0].pointer(first, chunk), inputs[1].pointer(first, chunk), count: count, y: y)
        for input in inputs.dropFirst(2) {
            ElementwiseKernels.add(y, input.pointer(first, chunk), count: count, y: y)
        }
    }
}

/// Joins its inputs along the channels; backward, cuts the gradient apart again.
final class ConcatenateOperation: Operation {
    let name: String
    private let inputs: [Storage]
    private let channels: [Int]
    private let output: Storage
    private let outputGradient: Storage?
    private let inputGradients: [Storage?]
    private let rowsPerImage: Int

    init(
        name: String, rowsPerImage: Int, channels: [Int], inputs: [Storage], output: Storage,
        outputGradient: Storage?, inputGradients: [Storage?]
    ) {
        self.name = name
        self.rowsPerImage = rowsPerImage
        self.channels = channels
        self.inputs = inputs
        self.output = output
        self.outputGradient = outputGradient
        self.inputGradients = inputGradients
    }

    func reads(_ pass: Pass) -> [Storage] { pass == .forward ? inputs : [outputGradient].compactMap { $0 } }
    func writes(_ pass: Pass) -> [Storage] { pass == .forward ? [output] : inputGradients.compactMap { $0 } }

    func run(_ pass: Pass, _ chunk: borrowing Chunk) {
        let first = chunk.images.lowerBound, rows = chunk.images.count * rowsPerImage
        let width = channels.reduce(0, +)
        var column = 0
        for (index, count) in channels.enumerated() {
            if pass == .forward {
                ColumnKernels.copyColumns(
                    inputs[index].pointer(first, chunk), xStride: count, to: output.pointer(first, chunk) + column,
                    yStride: width, rows: rows, columns: count)
            } else if let outputGradient, let gradient = inputGradients[index] {
                ColumnKernels.copyColumns(
                    outputGradient.pointer(first, chunk) + column, xStride: width, to: gradient.pointer(first, chunk),
                    yStride: count, rows: rows, columns: count)
            }
            column += count
        }
    }
}
