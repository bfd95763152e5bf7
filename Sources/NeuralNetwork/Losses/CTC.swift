import Formats
import Kernels

extension Loss {
    /// Connectionist temporal classification: `−log P(text | columns)`, for networks that give a row of logits for each column of
    /// a line, the blank being their last class. The mean is over lines. A. Graves et al., ICML 2006.
    public static var ctc: Loss { Loss(CTC()) }
}

/// A loss of lines of text: what comes out of the network is a row of logits for each column.
package protocol SequenceLossKind: LossKind {
    /// The loss of one line.
    /// - Parameters:
    ///   - z: logits `[T, K]`.
    ///   - columns: T.
    ///   - classes: K.
    ///   - text: the line's classes from left to right.
    ///   - weight: what the gradient is multiplied with; the value returned is not.
    ///   - dz: where the gradient by the logits goes, `[T, K]`; nil: it is not asked for.
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

    /// A line of one column, which spells one character: cross-entropy.
    package func row(
        _ z: UnsafePointer<Float>, classes: Int, target: LossTarget, weight: Float, dz: UnsafeMutablePointer<Float>?
    ) -> Double { CrossEntropy().row(z, classes: classes, target: target, weight: weight, dz: dz) }
}
