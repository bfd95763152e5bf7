import Foundation
import Numeral

/// `−Σ t·(1 − p)^γ·log p` (Lin et al. 2017, arXiv:1708.02002), in Double.
struct FocalLoss: LossKind {
    var gamma = 2.0

    static let type = "myFocal"
    static var options: Section<FocalLoss> {
        Section(
            initial: FocalLoss(),
            fields: [.key("gamma", \.gamma, .number(.closed(1, 10)), "How much less images count that are read right.")]
        )
    }

    func row(
        _ z: UnsafePointer<Float>, classes: Int, target: LossTarget, weight: Float, dz: UnsafeMutablePointer<Float>?
    ) -> Double {
        let top = (0..<classes).map { Double(z[$0]) }.max() ?? 0
        let sum = log((0..<classes).reduce(0) { $0 + exp(Double(z[$1]) - top) })
        let logs = (0..<classes).map { Double(z[$0]) - top - sum },
            t = (0..<classes).map { target.share(of: $0, classes: classes) }
        let slopes = (0..<classes).map { k -> Double in
            let p = exp(logs[k]), rest = -expm1(logs[k])
            return t[k] * (pow(rest, gamma) - gamma * p * pow(rest, gamma - 1) * logs[k])
        }
        let total = slopes.reduce(0, +)
        for k in 0..<classes { dz?[k] = weight * Float(exp(logs[k]) * total - slopes[k]) }
        return -(0..<classes).reduce(0) { $0 + t[$1] * pow(-expm1(logs[$1]), gamma) * logs[$1] }
    }
}
