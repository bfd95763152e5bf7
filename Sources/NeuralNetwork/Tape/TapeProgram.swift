import Kernels
import Tensors

/// A tape that is finished: which values each pass computes, and where they lie in a worker's scratch.
///
/// Nothing is kept from the forward to the backward pass: the backward pass computes anew what its derivatives read, an image at
/// a time, while it is in cache.
final class TapeProgram {
    let steps: [Tape.Step]
    let shapes: [Shape]
    let output: Int
    /// Whether the forward pass computes a value: where the output depends on it.
    let isUsed: [Bool]
    /// Whether the backward pass computes a value anew.
    let isRecomputed: [Bool]
    /// Whether a gradient flows through a value: where it depends on an input or a parameter.
    let hasGradient: [Bool]
    /// Where a value lies in scratch, in numbers; nil for inputs and parameters.
    let valueOffsets: [Int?]
    let gradientOffsets: [Int?]
    /// The value whose gradient a value shares, being passed on as it is to nobody else.
    let sharedGradients: [Int?]
    /// The step of the backward pass that writes a value's gradient, to which the others add; nil: all add, to zeros.
    let firstReaders: [Int?]
    /// Whether a value's gradient is set to zero first.
    let startsAtZero: [Bool]
    /// Where a step's own memory lies: the columns of a convolution.
    let extraOffsets: [Int?]
    /// Numbers of scratch that both passes need.
    let scratchCount: Int
    /// The values that are parameters, in the order in which they were asked for.
    let parameterPlaces: [Int]
    /// Of steps that repeat or join axes: how their operands lie in the larger shape.
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

    /// Which gradients are shared, and which are written before they are added to.
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
            // Inputs and parameters have a place of their own, and a maximum spends its gradient.
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
            if let last = readers[index].max(), case .convolution(index, _, _, true) = steps[last] {
                first.append(last)
            } else {
                first.append(nil)
            }
        }
        return (shared, first)
    }

    /// The values that the derivative of step `index` reads, beside the gradient.
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

    /// Of the tables of a ``TapeMemory``.
    var tableBytes: Int { 2 * steps.count * MemoryLayout<UnsafeMutableRawPointer?>.stride }

    /// Multiply-adds of one image, forward.
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

/// Where a program's values and gradients are while one image goes through it. A view of memory that its maker owns.
///
/// - Note: gradients of parameters are added to, all others are written.
struct TapeMemory<Number: RealNumber> {
    let program: TapeProgram
    let scratch: UnsafeMutablePointer<Number>
    /// By value; nil where there is none.
    let values: UnsafeMutablePointer<UnsafeMutablePointer<Number>?>
    let gradients: UnsafeMutablePointer<UnsafeMutablePointer<Number>?>

    /// - Parameters:
    ///   - scratch: ``TapeProgram/scratchCount`` numbers.
    ///   - tables: ``TapeProgram/tableBytes``, aligned to 8.
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
