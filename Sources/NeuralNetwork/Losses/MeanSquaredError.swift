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
    /// `Σ (p − t)²/K` of the probabilities (the Brier score divided by K): bounded, so that wrong labels have less
    /// influence than in cross-entropy. A. Ghosh, H. Kumar, P. S. Sastry 2017, arXiv:1712.09482.
    public static var meanSquaredError: Loss { Loss(MeanSquaredError()) }
}

/// ``Loss/meanSquaredError``. With `d = 2·(p − t)/K`, the gradient is `p·(d − Σ d·p)`. Computed in `Double`.
package struct MeanSquaredError: LossKind {
    package static let type = "meanSquaredError"
    package static var options: Section<MeanSquaredError> { Section(initial: MeanSquaredError(), fields: []) }

    package func row(
        _ z: UnsafePointer<Float>, classes: Int, target: LossTarget, weight: Float, dz: UnsafeMutablePointer<Float>?
    ) -> Double {
        let (top, logSum) = SoftmaxKernels.normalizer(z, columns: classes)
        func probability(_ k: Int) -> Double { exp(Double(z[k]) - top - logSum) }
        var loss = 0.0, product = 0.0
        for k in 0..<classes {
            let p = probability(k), difference = p - target.share(of: k, classes: classes)
            loss += difference * difference
            product += 2 * difference * p
        }
        if let dz {
            for k in 0..<classes {
                let p = probability(k)
                let d = 2 * (p - target.share(of: k, classes: classes))
                dz[k] = weight * Float(p * (d - product) / Double(classes))
            }
        }
        return loss / Double(classes)
    }
}
