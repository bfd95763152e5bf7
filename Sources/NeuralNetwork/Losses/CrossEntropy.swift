import Formats
import Kernels

extension Loss {
    /// Categorical cross-entropy: `−Σ t·log p`.
    public static var crossEntropy: Loss { Loss(CrossEntropy()) }
}

/// ``Loss/crossEntropy``, fused with softmax: gradient `p − t`. See ``SoftmaxKernels``.
package struct CrossEntropy: LossKind {
    package static let type = "crossEntropy"
    package static var options: Section<CrossEntropy> { Section(initial: CrossEntropy(), fields: []) }

    package init() {}

    package func row(
        _ z: UnsafePointer<Float>, classes: Int, target: LossTarget, weight: Float, dz: UnsafeMutablePointer<Float>?
    ) -> Double {
        guard target.share < 1 else {
            return SoftmaxKernels.crossEntropy(
                z, columns: classes, label: target.label, smoothing: target.smoothing, weight: weight, dz: dz)
        }
        return SoftmaxKernels.crossEntropy(
            z, columns: classes, label: target.label, other: target.other, share: target.share,
            smoothing: target.smoothing, weight: weight, dz: dz)
    }
}
