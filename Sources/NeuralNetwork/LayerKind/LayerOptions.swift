import Tensors

/// A height and a width, or numbers of rows and columns.
public struct Size2D: Hashable, Sendable, CustomStringConvertible, ExpressibleByIntegerLiteral {
    /// Rows.
    public var height: Int
    /// Columns.
    public var width: Int

    /// Creates a size of `height` rows and `width` columns.
    public init(_ height: Int, _ width: Int) {
        self.height = height
        self.width = width
    }

    /// Creates a square size.
    public init(_ side: Int) { self.init(side, side) }

    /// Creates a square size from a literal: `kernelSize: 3`.
    public init(integerLiteral side: Int) { self.init(side, side) }

    /// `3×5`: rows, then columns.
    public var description: String { "\(height)×\(width)" }
}

/// How a window treats the border of its input.
public enum Padding: Hashable, Sendable {
    /// No padding: `out = ⌊(in − d·(k − 1) − 1) / s⌋ + 1`.
    case valid
    /// `out = ⌈in / s⌉`; an odd total puts its extra row or column at the bottom or right, as TensorFlow does.
    case same
    /// The given numbers of rows above and below, and of columns left and right.
    case explicit(top: Int, bottom: Int, left: Int, right: Int)
}

/// The initial distribution of weights. `fanIn` and `fanOut` are the inputs and outputs of one unit, times `kH·kW` for
/// a convolution.
public enum Initializer: Hashable, Sendable {
    /// Normal, σ = √(2 / fanIn). He et al. 2015, arXiv:1502.01852.
    case heNormal
    /// Uniform in ±√(6 / fanIn).
    case heUniform
    /// Normal, σ = √(2 / (fanIn + fanOut)). Glorot and Bengio 2010.
    case glorotNormal
    /// Uniform in ±√(6 / (fanIn + fanOut)).
    case glorotUniform
    /// Orthonormal rows or columns times `gain`, from the QR factorisation of a normal matrix.
    /// Saxe et al. 2013, arXiv:1312.6120.
    case orthogonal(gain: Float)
}
