import Tensors

/// An element-wise layer `y = f(x)` whose derivative can be computed from `y` or from `x`.
public protocol PointwiseLayer: LayerKind {
    /// Whether the derivative is computed from the output `y` rather than the input `x`.
    static var derivativeUsesOutput: Bool { get }
    /// Computes `y[i] = f(x[i])`. `y` may be `x`.
    func forward(_ x: UnsafePointer<Float>, count: Int, y: UnsafeMutablePointer<Float>)
    /// Computes `dx[i] = dy[i]·f′`, where `value` is the output or the input, see ``derivativeUsesOutput``. `dx` may be
    /// `dy`.
    func backward(
        dy: UnsafePointer<Float>, value: UnsafePointer<Float>, count: Int, dx: UnsafeMutablePointer<Float>)
}

extension PointwiseLayer {
    /// True: from the output.
    public static var derivativeUsesOutput: Bool { true }
    /// Returns an operation that loops over the numbers of several images at a time.
    public func operation(_ emission: LayerEmission) -> (any Operation)? { PointwiseOperation(self, emission) }
}

/// An element-wise layer `y = f(x)`, given by f and its derivative. Both are generic: the engine runs them in `Float`,
/// inlined into its loop, and ``checkGradients(_:inputShape:seed:)`` compares one with the other in `Double`.
public protocol FunctionLayer: PointwiseLayer {
    /// Returns `f(x)`.
    func value<Number: RealNumber>(_ x: Number) -> Number
    /// Returns `f′(x)`.
    func derivative<Number: RealNumber>(_ x: Number) -> Number
}

extension FunctionLayer {
    /// False: from the input.
    public static var derivativeUsesOutput: Bool { false }

    /// Computes `y[i] = f(x[i])`.
    @inlinable
    public func forward(_ x: UnsafePointer<Float>, count: Int, y: UnsafeMutablePointer<Float>) {
        for i in 0..<count { y[i] = value(x[i]) }
    }

    /// Computes `dx[i] = dy[i]·f′(x[i])`.
    @inlinable
    public func backward(
        dy: UnsafePointer<Float>, value x: UnsafePointer<Float>, count: Int, dx: UnsafeMutablePointer<Float>
    ) {
        for i in 0..<count { dx[i] = dy[i] * derivative(x[i]) }
    }
}

/// The operation of a ``PointwiseLayer`` that is not fused with its input's layer.
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
