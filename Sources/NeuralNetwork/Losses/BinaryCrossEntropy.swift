import Formats
import Kernels
import Tensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension Loss {
    /// Binary cross-entropy of every class for itself, `−1/K·Σ (t·log σ(z) + (1 − t)·log(1 − σ(z)))` with
    /// `σ(z) = 1/(1 + e^−z)`, for images with several labels (`data.multiLabel`). With label smoothing s, t is
    /// `(1 − s)·t + s/2` for several labels.
    public static var binaryCrossEntropy: Loss { Loss(BinaryCrossEntropy()) }
}

/// ``Loss/binaryCrossEntropy``, with the gradient `(σ(z) − t)/K`. Computed in `Double` as
/// `max(z, 0) − t·z + log(1 + e^−|z|)`, which overflows nowhere.
package struct BinaryCrossEntropy: LossKind {
    package static let type = "binaryCrossEntropy"
    package static let takesSeveralLabels = true
    package static var options: Section<BinaryCrossEntropy> { Section(initial: BinaryCrossEntropy(), fields: []) }

    package init() {}

    package func row(
        _ z: UnsafePointer<Float>, classes: Int, target: LossTarget, weight: Float, dz: UnsafeMutablePointer<Float>?
    ) -> Double {
        var loss = 0.0
        for k in 0..<classes {
            let t = target.share(of: k, classes: classes), x = Double(z[k])
            loss += max(x, 0) - t * x + log1p(exp(-abs(x)))
            if let dz { dz[k] = weight * Float((Double.sigmoid(x) - t) / Double(classes)) }
        }
        return loss / Double(classes)
    }
}
