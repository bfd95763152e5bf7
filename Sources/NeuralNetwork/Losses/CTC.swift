import Formats
import Kernels

extension Loss {
    /// Connectionist temporal classification, `−log P(text | columns)`, for networks that output a row of logits for
    /// each column of a line, with the blank as the last class. Averaged over lines. A. Graves et al., ICML 2006.
    public static var ctc: Loss { Loss(CTC()) }
}

/// A loss for lines of text, for which the network outputs a row of logits for each column.
package protocol SequenceLossKind: LossKind {
    /// Returns the loss of one line.
    /// - Parameters:
    ///   - z: The logits `[T, K]`.
    ///   - columns: T.
    ///   - classes: K.
    ///   - text: The line's classes from left to right.
    ///   - weight: The factor on the gradient; the returned value is not multiplied by it.
    ///   - dz: The destination of the gradient with respect to the logits, `[T, K]`, or `nil` if it is not needed.
    func line(
        _ z: UnsafePointer<Float>, columns: Int, classes: Int, text: UnsafeBufferPointer<Int32>, weight: Float,
        dz: UnsafeMutablePointer<Float>?
    ) -> Double
}

/// ``Loss/ctc``. See ``CTCKernels``.
package struct CTC: SequenceLossKind {
    package static let type = "ctc"
    package static var options: Section<CTC> { Section(initial: CTC(), fields: []) }

    package init() {}

    package func line(
        _ z: UnsafePointer<Float>, columns: Int, classes: Int, text: UnsafeBufferPointer<Int32>, weight: Float,
        dz: UnsafeMutablePointer<Float>?
    ) -> Double {
        CTCKernels.loss(z, columns: columns, classes: classes, text: text, weight: weight, dz: dz)
    }

    /// Returns the loss of a line of one column, which spells one character: cross-entropy.
    package func row(
        _ z: UnsafePointer<Float>, classes: Int, target: LossTarget, weight: Float, dz: UnsafeMutablePointer<Float>?
    ) -> Double { CrossEntropy().row(z, classes: classes, target: target, weight: weight, dz: dz) }
}
