import Kernels
import Tensors

/// A recording of a ``TapeLayer``'s forward pass: values with their shapes, and the operations between them, from which
/// the engine derives the forward and the backward pass. Recorded once per network, not once per image.
///
/// Implements reverse-mode differentiation of a straight-line program: S. Linnainmaa 1970; A. Griewank, A. Walther,
/// "Evaluating derivatives", 2008, chapter 3.
public final class Tape {
    /// An operation, with the indices of the values that it reads.
    enum Step {
        case input(Int)
        case parameter(Int)
        case constant(Double)
        case function(TapeFunction, of: Int)
        case binary(TapeBinary, Int, Int)
        /// The sum over the axes whose extent is 1 in the result.
        case sum(Int)
        /// The maximum over the same axes.
        case largest(Int)
        /// `[rows, C]·[C, F]`.
        case product(Int, Int)
        case convolution(Int, kernel: Int, ConvolutionGeometry, isDepthwise: Bool)
        case reshape(Int)
        /// The channels from this one on.
        case slice(Int, from: Int)
        /// A concatenation along the channels.
        case joined([Int])

        var isParameter: Bool {
            if case .parameter = self { true } else { false }
        }
    }

    private(set) var steps: [Step] = []
    private(set) var shapes: [Shape] = []
    /// The arguments of each call of ``parameter(_:_:_:)``, in order.
    private(set) var parameters: [(suffix: String, shape: [Int], role: ParameterTensor.Role)] = []
    /// The first error.
    private(set) var error: InputError?
    private let place: String

    init(inputs: [Shape], place: String) {
        self.place = place
        for (slot, shape) in inputs.enumerated() {
            steps.append(.input(slot))
            shapes.append(shape)
        }
    }

    /// Adds a trainable parameter. `shape` is as in ``NodeBuilder/addParameter(_:_:_:)``; kernels have their output
    /// channels last.
    /// - Parameters:
    ///   - suffix: The part of its name that follows the layer's, such as `kernel`.
    ///   - role: How it is initialised and whether it decays.
    public func parameter(_ suffix: String, _ shape: [Int], _ role: ParameterTensor.Role = .weight) -> TapeValue {
        guard let checked = Shape(checking: shape) else {
            fail("a parameter of positive extents", "\(shape)")
            return constant(0)
        }
        parameters.append((suffix, shape, role))
        return append(.parameter(parameters.count - 1), checked)
    }

    /// Adds a constant.
    public func constant(_ value: Double) -> TapeValue { append(.constant(value), Shape([1])) }

    /// Returns the indices of the values that `step` reads.
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

    /// Appends a step whose value has these extents; if they are too large, records an error and returns `value`.
    func append(_ step: Step, _ dimensions: [Int], or value: TapeValue) -> TapeValue {
        guard let shape = Shape(checking: dimensions) else {
            fail("extents with a product below 2^31", dimensions.map(String.init).joined(separator: "×"))
            return value
        }
        return append(step, shape)
    }

    /// Records the first error. Recording continues with arbitrary shapes, and the tape is discarded at its end.
    func fail(_ expected: String, _ received: String) {
        if error == nil { error = InputError(place, expected: expected, received: received) }
    }

    /// Returns the geometry of a convolution of `image`, or `nil` after recording an error.
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

/// An element-wise function of one value.
enum TapeFunction: Hashable {
    case identity, negative, reciprocal, exp, log, squareRoot, tanh, sigmoid, erf, absolute
    case power(Double)
    /// `min(max(x, low), high)`.
    case clamped(Double, Double)
}

/// An element-wise function of two values. Extents of 1 are broadcast.
enum TapeBinary: Hashable {
    case add, subtract, multiply, divide, maximum, minimum
}
