import Tensors

/// A tensor's place in the flat parameter buffer; gradients and optimizer moments use the same layout.
public struct ParameterTensor: Hashable, Sendable {
    /// How the optimizer treats a tensor.
    public enum Role: String, Sendable {
        /// A weight, subject to weight decay and L2.
        case weight
        /// A bias, or batch-norm's scale or shift: never decayed.
        case bias, scale, shift
        /// A rectifier's slope below zero: initially 0.25, never decayed.
        case slope

        /// Whether weight decay and L2 apply.
        public var decays: Bool { self == .weight }
    }

    /// The name, as in Keras: `layer/kernel`, `layer/bias`, `layer/gamma`, `layer/beta`.
    public var name: String
    /// The shape: `[kH, kW, inC, outC]` of a convolution, `[in, out]` of a dense layer, `[C]` of the others.
    public var shape: [Int]
    /// The offset of the first element in the flat buffer.
    public var offset: Int
    /// How the optimizer treats the tensor, and how it is initialised: weights by the initializer, scales with ones,
    /// slopes with 0.25, the others with zeros.
    public var role: Role

    package init(name: String, shape: [Int], offset: Int, role: Role) {
        self.name = name
        self.shape = shape
        self.offset = offset
        self.role = role
    }

    /// The number of elements.
    public var count: Int { shape.reduce(1, *) }
    /// The tensor's range in the flat buffer.
    public var range: Range<Int> { offset..<offset + count }
}
