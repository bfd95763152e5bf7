import Kernels
import Tensors

/// What a ``TapeLayer`` writes its forward pass on: values and the operations between them, with their shapes, from which the
/// engine makes the forward and the backward pass. It is written once for each network, not once for each image.
///
/// Reverse-mode differentiation of a straight line of operations; S. Linnainmaa 1970; A. Griewank, A. Walther, "Evaluating
/// derivatives", 2008, chapter 3.
public final class Tape {
    /// One operation, with the numbers of the values that it reads.
    enum Step {
        case input(Int)
        case parameter(Int)
        case constant(Double)
        case function(TapeFunction, of: Int)
        case binary(TapeBinary, Int, Int)
        /// Over the axes whose extent is 1 in the result.
        case sum(Int)
        /// The same axes.
        case largest(Int)
        /// `[rows, C]·[C, F]`.
        case product(Int, Int)
        case convolution(Int, kernel: Int, ConvolutionGeometry, isDepthwise: Bool)
        case reshape(Int)
        /// Channels from this one on.
        case slice(Int, from: Int)
        /// Along the channels.
        case joined([Int])
    }

    private(set) var steps: [Step] = []
    private(set) var shapes: [Shape] = []
    /// `suffix`, shape and role, as ``parameter(_:_:_:)`` was called.
    private(set) var parameters: [(suffix: String, shape: [Int], role: ParameterTensor.Role)] = []
    /// The first thing that could not be.
    private(set) var error: InputError?
    private let place: String

    init(inputs: [Shape], place: String) {
        self.place = place
        for (slot, shape) in inputs.enumerated() {
            steps.append(.input(slot))
            shapes.append(shape)
        }
    }

    /// What the layer learns: `shape` as ``NodeBuilder/addParameter(_:_:_:)`` takes it, kernels with their output channels last.
    /// - Parameters:
    ///   - suffix: its name behind the layer's, `kernel`.
    ///   - role: how it begins and whether it decays.
    public func parameter(_ suffix: String, _ shape: [Int], _ role: ParameterTensor.Role = .weight) -> TapeValue {
        guard let checked = Shape(checking: shape) else {
            fail("a parameter of positive extents", "\(shape)")
            return constant(0)
        }
        parameters.append((suffix, shape, role))
        return append(.parameter(parameters.count - 1), checked)
    }

    /// A number.
    public func constant(_ value: Double) -> TapeValue { append(.constant(value), Shape([1])) }

    /// What `step` reads.
    static func operands(_ step: Step) -> [Int] {
        switch step {
        case .input, .parameter, .constant: []
        case .function(_, let a), .sum(let a), .largest(let a), .reshape(let a), .slice(let a, _): [a]
        case .binary(_, let a, let b), .product(let a, let b), .convolution(let a, let b, _, _): [a, b]
        case .joined(let all): all
        }
    }

    func append(_ step: Step, _ shape: Shape) -> TapeValue {
        steps.append(step)
        shapes.append(shape)
        return TapeValue(tape: self, index: steps.count - 1)
    }

    /// Keeps the first error; the tape goes on with whatever shape, and is thrown away at its end.
    func fail(_ expected: String, _ received: String) {
        if error == nil { error = InputError(place, expected: expected, received: received) }
    }

    /// The geometry of a convolution of `image`.
    func geometry(
        _ image: Shape, _ kernel: Size2D, _ strides: Size2D, _ dilation: Size2D, _ padding: Padding, filters: Int
    ) -> ConvolutionGeometry? {
        var builder = NodeBuilder(
            name: "", place: place, inputShapes: [image], parameterOffset: 0, stateOffset: 0, modelLowering: nil)
        do throws(InputError) {
            return try builder.convolve(kernel, strides: strides, dilation: dilation, padding, filters: filters)
        } catch {
            if self.error == nil { self.error = error }
            return nil
        }
    }
}

/// What is computed of one value, element by element.
enum TapeFunction: Hashable {
    case identity, negative, reciprocal, exp, log, squareRoot, tanh, sigmoid, erf, absolute
    case power(Double)
    /// `min(max(x, low), high)`.
    case clamped(Double, Double)
}

/// What is computed of two, element by element. Either may have extent 1 where the other has more.
enum TapeBinary: Hashable {
    case add, subtract, multiply, divide, maximum, minimum
}
