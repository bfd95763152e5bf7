import Tensors

/// Compares a loss's gradient with respect to its logits with finite differences, for labels, mixed labels, label
/// smoothing and, if it takes them, several labels. A loss that computes in `Double` stays below 10⁻⁷, the rounding of
/// its gradient to `Float`.
///
/// - Parameter classes: The number of classes, at least 2.
public func checkGradients(_ loss: Loss, classes: Int = 7) -> GradientCheck {
    precondition(classes >= 2, "a loss is of at least two classes")
    let targets: [(String, LossTarget)] =
        [
            ("label", LossTarget(label: 1)),
            ("mixed labels", LossTarget(label: 0, other: classes - 1, share: 0.75)),
            ("label smoothing", LossTarget(label: 1, smoothing: 0.125)),
        ] + (loss.takesSeveralLabels ? [("several labels", LossTarget(labels: 0b101, smoothing: 0.125))] : [])
    let tensors = targets.map { name, target in
        // Multiples of 2⁻¹⁰, so that steps of 2⁻⁷ are exact.
        var z = (0..<classes).map { Float(($0 * 5_113 + 977) % 4_093) / 1024 - 2 }
        var gradient = [Float](repeating: 0, count: classes)
        gradient.withUnsafeMutableBufferPointer { dz in
            _ = loss.kind.row(z, classes: classes, target: target, weight: 1, dz: dz.baseAddress)
        }
        var comparison = GradientComparison(name, gradient.map(Double.init), .loss)
        for k in 0..<classes {
            let before = z[k]
            comparison.compare(Double(gradient[k])) { change in
                z[k] = before + Float(change)
                return loss.kind.row(z, classes: classes, target: target, weight: 1, dz: nil)
            }
            z[k] = before
        }
        return comparison.result
    }
    return GradientCheck(tensors: tensors, doublePrecisionError: nil)
}
