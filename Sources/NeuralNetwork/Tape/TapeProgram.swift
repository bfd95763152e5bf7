import Kernels
import Tensors

/// A finished tape: which values each pass computes, and their places in a worker's scratch memory.
///
/// Nothing is kept from the forward to the backward pass: the backward pass recomputes what its derivatives read, one
/// image at a time, while it is in cache.
final class TapeProgram {
    let steps: [Tape.Step]
    let shapes: [Shape]
    let output: Int
    /// Whether the forward pass computes each value, because the output depends on it.
    let isUsed: [Bool]
    /// Whether the backward pass recomputes each value.
    let isRecomputed: [Bool]
    /// Whether a gradient flows through each value, because it depends on an input or a parameter.
    let hasGradient: [Bool]
    /// Each value's offset in scratch, in numbers; `nil` for inputs, parameters and unused values.
    let valueOffsets: [Int?]
    let gradientOffsets: [Int?]
    /// The value whose gradient each value shares, because its only reader passes that gradient through unchanged.
    let sharedGradients: [Int?]
    /// The step that writes each value's gradient first, to which the others add; `nil` if all of them add to zeros.
    let firstReaders: [Int?]
    /// Whether each value's gradient is set to zero first.
    let startsAtZero: [Bool]
    /// The offset in scratch of each step's own memory, such as the columns of a convolution.
    let extraOffsets: [Int?]
    /// The number of scratch elements that both passes need.
    let scratchCount: Int
    /// The indices of the parameters, in the order in which they were requested.
    let parameterPlaces: [Int]
    /// For steps that broadcast or reduce axes, the iteration over the larger shape.
    let walks: [BroadcastWalk?]

    /// - Precondition: `output` is on the tape.
    init(_ tape: Tape, output: Int) {
        let steps = tape.steps, shapes = tape.shapes
        var used = Array(repeating: false, count: steps.count), flows = used, needed = used
        used[output] = true
        for index in steps.indices.reversed() where used[index] {
            for operand in Tape.operands(steps[index]) { used[operand] = true }
        }
        for (index, step) in steps.enumerated() {
            switch step {
            case .input, .parameter: flows[index] = used[index]
            default: flows[index] = used[index] && Tape.operands(step).contains { flows[$0] }
            }
        }
        for index in steps.indices.reversed() where used[index] && flows[index] {
            for value in Self.derivativeReads(steps[index], of: index, flows) { needed[value] = true }
        }
        for index in steps.indices.reversed() where needed[index] {
            for operand in Tape.operands(steps[index]) { needed[operand] = true }
        }
        let (shared, first) = Self.gradientFlow(steps, shapes, used, flows)
        var offset = 0
        func reserve(_ count: Int) -> Int {
            defer { offset += (count + 15) / 16 * 16 }
            return offset
        }
        var values: [Int?] = [], gradients: [Int?] = [], extras: [Int?] = []
        for (index, step) in steps.enumerated() {
            let count = shapes[index].count
            var isPlaced = false
            switch step {
            case .input, .parameter: isPlaced = true
            default: break
            }
            values.append(isPlaced || !used[index] ? nil : reserve(count))
            gradients.append(
                isPlaced || !flows[index] || index == output || shared[index] != nil ? nil : reserve(count))
            if case .convolution(_, _, let g, let isDepthwise) = step, used[index] {
                extras.append(reserve(isDepthwise ? g.inputCount : g.outRows * g.depth))
            } else {
                extras.append(nil)
            }
        }
        self.steps = steps
        self.shapes = shapes
        self.output = output
        isUsed = used
        hasGradient = flows
        isRecomputed = needed
        valueOffsets = values
        gradientOffsets = gradients
        extraOffsets = extras
        sharedGradients = shared
        firstReaders = first
        startsAtZero = steps.indices.map { index in
            guard flows[index], index != output, shared[index] == nil, first[index] == nil else { return false }
            if case .parameter = steps[index] { return false } else { return true }
        }
        scratchCount = offset
        parameterPlaces = steps.indices.filter { if case .parameter = steps[$0] { true } else { false } }
        walks = steps.enumerated().map { index, step in
            switch step {
            case .binary(_, let a, let b): BroadcastWalk(shapes[index], shapes[a], shapes[b])
            case .sum(let a), .largest(let a): BroadcastWalk(shapes[a], shapes[index])
            default: nil
            }
        }
    }

    /// Determines which gradients are shared, and which are written before they are added to.
    private static func gradientFlow(
        _ steps: [Tape.Step], _ shapes: [Shape], _ used: [Bool], _ flows: [Bool]
    ) -> (shared: [Int?], first: [Int?]) {
        var readers = Array(repeating: [Int](), count: steps.count)
        for index in steps.indices where used[index] && flows[index] {
            for operand in Tape.operands(steps[index]) where flows[operand] { readers[operand].append(index) }
        }
        var shared: [Int?] = [], first: [Int?] = []
        for (index, step) in steps.enumerated() {
            var source: Int?
            switch step {
            // Inputs and parameters have their own storage, and a maximum consumes its gradient.
            case .input, .parameter, .constant, .largest: break
            default:
                guard flows[index], readers[index].count == 1 else { break }
                switch steps[readers[index][0]] {
                case .binary(.add, _, _), .binary(.subtract, index, _), .function(.identity, _), .reshape:
                    if shapes[readers[index][0]].count == shapes[index].count { source = readers[index][0] }
                default: break
                }
            }
            shared.append(source)
            // A parameter's gradient is summed over the images: nothing may overwrite it.
            if let last = readers[index].max(), case .convolution(index, _, _, true) = steps[last], !step.isParameter {
                first.append(last)
            } else {
                first.append(nil)
            }
        }
        return (shared, first)
    }

    /// Returns the values that the derivative of step `index` reads besides the gradient.
    private static func derivativeReads(_ step: Tape.Step, of index: Int, _ flows: [Bool]) -> [Int] {
        switch step {
        case .input, .parameter, .constant, .sum, .reshape, .slice, .joined: []
        case .function(let function, let operand):
            switch function {
            case .identity, .negative: []
            case .exp, .tanh, .sigmoid, .reciprocal, .squareRoot: [index]
            case .log, .erf, .absolute, .power, .clamped: [operand]
            }
        case .binary(let operation, let a, let b):
            switch operation {
            case .add, .subtract: []
            case .multiply: (flows[a] ? [b] : []) + (flows[b] ? [a] : [])
            case .divide: flows[b] ? [b, index] : [b]
            case .maximum, .minimum: [a, b]
            }
        case .largest(let operand): [operand, index]
        case .product(let a, let b), .convolution(let a, let b, _, _):
            (flows[a] ? [b] : []) + (flows[b] ? [a] : [])
        }
    }

    /// The size in bytes of the tables of a ``TapeMemory``.
    var tableBytes: Int { 2 * steps.count * MemoryLayout<UnsafeMutableRawPointer?>.stride }

    /// The number of multiply-adds of one forward pass per image.
    var multiplyAdds: Int {
        steps.indices.reduce(0) { total, index in
            guard isUsed[index] else { return total }
            return switch steps[index] {
            case .product(let a, _): total + shapes[index].count * shapes[a].channels
            case .convolution(_, _, let g, let isDepthwise):
                total + (isDepthwise ? g.outputCount * g.kernelHeight * g.kernelWidth : g.multiplyAdds)
            default: total
            }
        }
    }
}

/// Pointers to a program's values and gradients while one image is processed. A view of memory that its creator owns.
///
/// - Note: Gradients of parameters are added to; all others are overwritten.
struct TapeMemory<Number: RealNumber> {
    let program: TapeProgram
    let scratch: UnsafeMutablePointer<Number>
    /// Pointers by value index; `nil` where there is none.
    let values: UnsafeMutablePointer<UnsafeMutablePointer<Number>?>
    let gradients: UnsafeMutablePointer<UnsafeMutablePointer<Number>?>

    /// - Parameters:
    ///   - scratch: Memory for ``TapeProgram/scratchCount`` numbers.
    ///   - tables: Memory for ``TapeProgram/tableBytes`` bytes, aligned to 8.
    init(_ program: TapeProgram, scratch: UnsafeMutablePointer<Number>, tables: UnsafeMutableRawPointer) {
        self.program = program
        self.scratch = scratch
        let count = program.steps.count
        values = tables.bindMemory(to: UnsafeMutablePointer<Number>?.self, capacity: 2 * count)
        gradients = values + count
        for index in 0..<count {
            values[index] = program.valueOffsets[index].map { scratch + $0 }
            gradients[index] = program.gradientOffsets[index].map { scratch + $0 }
            if case .constant(let number) = program.steps[index] { values[index]?.pointee = Number(number) }
        }
    }
}
