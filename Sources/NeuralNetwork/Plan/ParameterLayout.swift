import Tensors

/// One tensor's place in the flat parameter buffer (and, at the same place, in the gradient and every moment).
public struct ParameterTensor: Hashable, Sendable {
    /// What the optimizer may do with it.
    public enum Role: String, Sendable {
        /// Takes weight decay and L2.
        case weight
        /// Biases and batch-norm's scale and shift: never decayed.
        case bias, scale, shift
        /// Of a rectifier below zero: begins with 0.25, never decayed.
        case slope

        /// Whether weight decay and L2 apply.
        public var decays: Bool { self == .weight }
    }

    /// `layer/kernel`, `layer/bias`, `layer/gamma`, `layer/beta`: Keras's names.
    public var name: String
    /// Convolution `[kH, kW, inC, outC]`, dense `[in, out]`, the others `[C]`.
    public var shape: [Int]
    /// First element in the flat buffer.
    public var offset: Int
    /// What the optimizer may do with it, and how it begins: weights by the initializer, scales as ones, the others as zeros.
    public var role: Role

    package init(name: String, shape: [Int], offset: Int, role: Role) {
        self.name = name
        self.shape = shape
        self.offset = offset
        self.role = role
    }

    /// Elements.
    public var count: Int { shape.reduce(1, *) }
    /// Its elements in the flat buffer.
    public var range: Range<Int> { offset..<offset + count }
}
