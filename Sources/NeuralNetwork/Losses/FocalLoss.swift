import Formats
import Kernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension Loss {
    /// `−Σ t·(1 − p)^γ·log p`: images that are already classified correctly count less, the more so the larger γ =
    /// `gamma`, in [0, 10]; 0 is cross-entropy. T.-Y. Lin et al. 2017, arXiv:1708.02002.
    public static func focal(gamma: Double = 2) -> Loss { Loss(FocalLoss(gamma: gamma)) }
}

/// ``Loss/focal(gamma:)``. With `g = t·((1 − p)^γ − γ·p·(1 − p)^(γ − 1)·log p)`, the gradient is `p·Σg − g`. Computed
/// in `Double`.
package struct FocalLoss: LossKind {
    package var gamma = 2.0

    package static let type = "focal"
    package static var options: Section<FocalLoss> {
        Section(
            initial: FocalLoss(),
            fields: [
                .key(
                    "gamma", \.gamma, .number(.closed(0, 10)),
                    "How much less images count that are read right already; 0: cross-entropy.")
            ])
    }

    package func row(
        _ z: UnsafePointer<Float>, classes: Int, target: LossTarget, weight: Float, dz: UnsafeMutablePointer<Float>?
    ) -> Double {
        let (top, logSum) = SoftmaxKernels.normalizer(z, columns: classes)
        var loss = 0.0, total = 0.0
        for k in 0..<classes {
            let t = target.share(of: k, classes: classes)
            let logP = Double(z[k]) - top - logSum, p = exp(logP), rest = -expm1(logP)
            guard t > 0 else {
                dz?[k] = 0
                continue
            }
            let factor = gamma == 0 ? 1 : pow(rest, gamma)
            loss -= t * factor * logP
            // Where p rounds to 1, log p is 0, and so is the second term.
            let slope = gamma == 0 || rest == 0 ? 0 : gamma * p * pow(rest, gamma - 1) * logP
            let g = t * (factor - slope)
            total += g
            dz?[k] = Float(g)
        }
        if let dz {
            for k in 0..<classes {
                let p = exp(Double(z[k]) - top - logSum)
                dz[k] = weight * Float(p * total - Double(dz[k]))
            }
        }
        return loss
    }
}
