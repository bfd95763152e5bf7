import Kernels
import Tensors

/// A layer that defines only its forward pass, from the engine's operations; the engine derives the backward pass.
///
/// ```swift
/// struct SqueezeExcite: TapeLayer {
///     …
///     func forward(_ inputs: [TapeValue], _ tape: Tape) -> TapeValue {
///         let x = inputs[0], channels = x.shape.channels
///         let squeezed = x.mean(over: .pixels).multiplied(by: tape.parameter("squeeze", [channels, hidden])).relu()
///         return x * squeezed.multiplied(by: tape.parameter("excite", [hidden, channels])).sigmoid()
///     }
/// }
/// ```
///
/// Each image is computed on its own. A layer that depends on the whole batch or draws random numbers is written as a
/// ``LayerKind`` with an ``Operation`` instead. The backward pass recomputes what its derivatives read: nothing is kept
/// between the passes, and it costs up to one forward pass more than a hand-written one.
public protocol TapeLayer: LayerKind {
    /// Returns the layer's output for one image's inputs, with the parameters that it requests from `tape`. Called
    /// several times per network; the same options and shapes must give the same operations.
    func forward(_ inputs: [TapeValue], _ tape: Tape) -> TapeValue
}

extension TapeLayer {
    /// Returns the tape for inputs of these shapes, and the index of the output.
    func recorded(_ shapes: [Shape], place: String) throws(InputError) -> (tape: Tape, output: Int) {
        let tape = Tape(inputs: shapes, place: place)
        var output = forward(shapes.indices.map { TapeValue(tape: tape, index: $0) }, tape)
        precondition(output.tape === tape, "\(Self.type): its output is on another tape")
        if let error = tape.error { throw error }
        switch tape.steps[output.index] {
        // An output must be computed here, and `largest` consumes its gradient.
        case .input, .parameter, .constant, .largest:
            output = tape.append(.function(.identity, of: output.index), output.shape)
        default: break
        }
        return (tape, output.index)
    }

    /// Infers the output shape and the parameters from the forward pass.
    public func infer(_ node: inout NodeBuilder) throws(InputError) {
        let (tape, output) = try recorded(node.inputShapes, place: node.place)
        let program = TapeProgram(tape, output: output)
        for (slot, shape) in node.inputShapes.enumerated() where !program.isUsed[slot] {
            throw InputError(
                node.place, expected: "a forward pass that reads each input",
                received: "\(Self.type), which does not read input \(slot) (\(shape))")
        }
        for parameter in tape.parameters {
            try node.addParameter(parameter.suffix, parameter.shape, parameter.role)
        }
        node.outputShape = tape.shapes[output]
        node.multiplyAdds = program.multiplyAdds
    }

    /// Returns an operation that runs the tape.
    public func operation(_ emission: LayerEmission) -> (any Operation)? {
        guard let (tape, output) = try? recorded(emission.node.inputShapes, place: emission.node.name) else {
            return nil
        }
        return TapeOperation(TapeProgram(tape, output: output), emission)
    }
}

/// Runs a tape's passes over the images of a chunk.
private final class TapeOperation: Operation {
    let name: String
    private let program: TapeProgram
    private let inputs: [Storage]
    private let output: Storage
    private let outputGradient: Storage?
    private let inputGradients: [Storage?]
    private let store: ParameterStore
    private let partials: GradientPartials?
    /// Each parameter with its handle in the partials, if it is trained.
    private let parameters: [(tensor: ParameterTensor, partial: Int)]

    init(_ program: TapeProgram, _ emission: LayerEmission) {
        name = emission.node.name
        self.program = program
        inputs = emission.inputs
        output = emission.output
        outputGradient = emission.outputGradient
        inputGradients = emission.inputGradients
        store = emission.store
        let partials = emission.outputGradient == nil ? nil : emission.partials
        self.partials = partials
        parameters = emission.node.parameters.map { ($0, partials?.register($0) ?? 0) }
    }

    var scratchFloats: Int { program.scratchCount + program.tableBytes / MemoryLayout<Float>.stride }

    func reads(_ pass: Pass) -> [Storage] { pass == .forward ? inputs : inputs + [outputGradient].compactMap { $0 } }

    func writes(_ pass: Pass) -> [Storage] { pass == .forward ? [output] : inputGradients.compactMap { $0 } }

    func run(_ pass: Pass, _ chunk: borrowing Chunk) {
        let memory = TapeMemory(
            program, scratch: chunk.scratch, tables: UnsafeMutableRawPointer(chunk.scratch + program.scratchCount))
        for (index, parameter) in parameters.enumerated() {
            let place = program.parameterPlaces[index]
            memory.values[place] = store.parameter(parameter.tensor)
            guard pass == .backward, let partials else { continue }
            let gradient = partials.pointer(parameter.partial, shard: chunk.shard)
            if chunk.isFirst { gradient.update(repeating: 0, count: parameter.tensor.count) }
            memory.gradients[place] = gradient
        }
        for image in chunk.images {
            for slot in inputs.indices { memory.values[slot] = inputs[slot].pointer(image, chunk) }
            if pass == .forward {
                memory.values[program.output] = output.pointer(image, chunk)
                memory.forward()
            } else if let outputGradient {
                memory.gradients[program.output] = outputGradient.pointer(image, chunk)
                for slot in inputs.indices {
                    memory.gradients[slot] = inputGradients[slot]?.pointer(image, chunk)
                }
                memory.backward()
            }
        }
    }
}
