import Tensors

/// A layer `y = f(x)`, element by element, whose derivative is known from `y` or from `x`.
public protocol PointwiseLayer: LayerKind {
    /// Whether the derivative is computed from the output `y` (else from the input `x`).
    static var derivativeUsesOutput: Bool { get }
    /// `y[i] = f(x[i])`. `y` may be `x`.
    func forward(_ x: UnsafePointer<Float>, count: Int, y: UnsafeMutablePointer<Float>)
    /// `dx[i] = dy[i]·f′`, with `value` the output or the input as ``derivativeUsesOutput`` says. `dx` may be `dy`.
    func backward(
        dy: UnsafePointer<Float>, value: UnsafePointer<Float>, count: Int, dx: UnsafeMutablePointer<Float>)
}

extension PointwiseLayer {
    /// From the output.
    public static var derivativeUsesOutput: Bool { true }
    /// A loop over the numbers of some images at a time.
    public func operation(_ emission: LayerEmission) -> (any Operation)? { PointwiseOperation(self, emission) }
}

/// A layer `y = f(x)`, element by element, given by f and its derivative. They are written once for `Float`, in which the
/// engine runs them in a loop that the compiler inlines them into, and for `Double`, in which ``checkGradients(_:inputShape:seed:)``
/// holds one against the other.
public protocol FunctionLayer: PointwiseLayer {
    /// `f(x)`.
    func value<Number: RealNumber>(_ x: Number) -> Number
    /// `f′(x)`.
    func derivative<Number: RealNumber>(_ x: Number) -> Number
}

extension FunctionLayer {
    /// From the input.
    public static var derivativeUsesOutput: Bool { false }

    /// `y[i] = f(x[i])`.
    @inlinable
    public func forward(_ x: UnsafePointer<Float>, count: Int, y: UnsafeMutablePointer<Float>) {
        for i in 0..<count { y[i] = value(x[i]) }
    }

    /// `dx[i] = dy[i]·f′(x[i])`.
    @inlinable
    public func backward(
        dy: UnsafePointer<Float>, value x: UnsafePointer<Float>, count: Int, dx: UnsafeMutablePointer<Float>
    ) {
        for i in 0..<count { dx[i] = dy[i] * derivative(x[i]) }
    }
}

/// A ``PointwiseLayer`` that could not ride along with its input's layer.
final class PointwiseOperation<Function: PointwiseLayer>: Operation {
    let name: String
    private let function: Function
    private let input, output: Storage
    private let outputGradient, inputGradient: Storage?

    init(_ function: Function, _ emission: LayerEmission) {
        name = emission.node.name
        self.function = function
        input = emission.input
        output = emission.output
        outputGradient = emission.outputGradient
        inputGradient = emission.inputGradient
    }

    private var derivativeSource: Storage { Function.derivativeUsesOutput ? output : input }

    func reads(_ pass: Pass) -> [Storage] {
        pass == .forward ? [input] : [outputGradient, derivativeSource].compactMap { $0 }
    }

    func writes(_ pass: Pass) -> [Storage] { pass == .forward ? [output] : [inputGradient].compactMap { $0 } }

    func run(_ pass: Pass, _ chunk: borrowing Chunk) {
        let first = chunk.images.lowerBound, count = chunk.images.count * input.floatsPerImage
        if pass == .forward {
            function.forward(input.pointer(first, chunk), count: count, y: output.pointer(first, chunk))
        } else if let outputGradient, let inputGradient {
            function.backward(
                dy: outputGradient.pointer(first, chunk), value: derivativeSource.pointer(first, chunk),
                count: count, dx: inputGradient.pointer(first, chunk))
        }
    }
}
