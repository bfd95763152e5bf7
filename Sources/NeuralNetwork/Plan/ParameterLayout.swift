import Tensors

/// One tensor's place in the flat parameter buffer (and, at the same place, in the gradient and every moment).
package struct ParameterTensor: Hashable, Sendable {
    /// What the optimizer may do with it.
    package enum Role: String, Sendable {
        /// Takes weight decay and L2.
        case weight
        /// Biases and batch-norm's scale and shift: never decayed.
        case bias, scale, shift

        package var decays: Bool { self == .weight }
    }

    /// `layer/kernel`, `layer/bias`, `layer/gamma`, `layer/beta`: Keras's names.
    package var name: String
    /// Convolution `[kH, kW, inC, outC]`, dense `[in, out]`, the others `[C]`.
    package var shape: [Int]
    /// First element in the flat buffer.
    package var offset: Int
    package var role: Role

    package init(name: String, shape: [Int], offset: Int, role: Role) {
        self.name = name
        self.shape = shape
        self.offset = offset
        self.role = role
    }

    package var count: Int { shape.reduce(1, *) }
    package var range: Range<Int> { offset..<offset + count }
}
