import Tensors

/// How far gradients are from what differences of values say.
public struct GradientCheck: Hashable, Sendable, CustomStringConvertible {
    /// One tensor whose gradient was looked at.
    public struct Tensor: Hashable, Sendable {
        /// `input`, `input_2`, or a parameter: `kernel`.
        public let name: String
        /// Elements that were tried.
        public let count: Int
        /// Those left out because the function has a corner there: two step widths disagree.
        public let corners: Int
        /// The largest distance from the difference quotient, as a part of the tensor's largest gradient.
        public let error: Double
    }

    /// As the engine computes, in single precision: every input, then every parameter. Rounding alone leaves 10⁻⁶ to 10⁻⁴.
    public let tensors: [Tensor]
    /// The same formulas in double precision, where a layer gives them (``TapeLayer``, ``FunctionLayer``): right ones leave less
    /// than 10⁻⁷. Of a loss, whose value is a `Double`, there is ``tensors`` alone.
    public let doublePrecisionError: Double?

    /// The largest error in single precision; infinite where a number was NaN or infinite.
    public var error: Double { tensors.map { $0.error.isFinite ? $0.error : .infinity }.max() ?? 0 }

    /// One line a tensor.
    public var description: String {
        func text(_ error: Double) -> String {
            guard error.isFinite, error > 0 else { return "\(error)" }
            let digits = (error * 1e9).rounded() / 1e9
            return "\(digits)"
        }
        var lines = tensors.map {
            "\($0.name): \(text($0.error)) of the largest, \($0.count) elements"
                + ($0.corners > 0 ? ", \($0.corners) at corners left out" : "")
        }
        if let doublePrecisionError { lines.append("in Double: \(doublePrecisionError)") }
        return lines.joined(separator: "\n")
    }
}

/// Slopes by differences of values, at two step widths and from both.
struct DifferenceQuotient {
    /// A step, and how far slopes may differ for other reasons than a corner, as a part of the tensor's largest.
    struct Precision {
        let step, tolerance: Double

        static let single = Precision(step: 1.0 / 32, tolerance: 4e-3)
        /// Of a value in `Double` of logits in `Float`.
        static let loss = Precision(step: 0x1p-7, tolerance: 4e-3)
        static let double = Precision(step: 0x1p-13, tolerance: 1e-6)
    }

    let value: Double
    /// Whether the function has no corner that the steps see.
    let isSmooth: Bool

    /// `(4·D(h/2) − D(h))/3` with `D(h) = (f(h) − f(−h))/2h`, an error of h⁴ (Richardson 1911).
    ///
    /// Where the function curves, the slopes to the left and to the right differ half as much at half the step; at a corner
    /// as much as before.
    /// - Parameter scale: the tensor's largest slope.
    init(_ precision: Precision, scale: Double, _ f: (Double) -> Double) {
        let h = precision.step, middle = f(0), right = f(h), left = f(-h), nearRight = f(h / 2), nearLeft = f(-h / 2)
        let wide = (right - left) / (2 * h), narrow = (nearRight - nearLeft) / h
        value = (4 * narrow - wide) / 3
        let least = precision.tolerance * scale
        let bend = abs(right - 2 * middle + left) / h, nearBend = abs(nearRight - 2 * middle + nearLeft) / (h / 2)
        isSmooth = !(abs(wide - narrow) > least) && !(nearBend > least && nearBend > 0.75 * bend)
    }
}

/// Compares gradients with quotients.
struct GradientComparison {
    private let name: String
    private let precision: DifferenceQuotient.Precision
    private let scale: Double
    private var worst = 0.0, count = 0, corners = 0

    /// - Parameter gradients: of the whole tensor.
    init(_ name: String, _ gradients: [Double], _ precision: DifferenceQuotient.Precision) {
        self.name = name
        self.precision = precision
        scale = max(gradients.map(abs).max() ?? 0, 1e-3)
    }

    /// `f` is the value as a function of one element's change.
    mutating func compare(_ gradient: Double, _ f: (Double) -> Double) {
        let quotient = DifferenceQuotient(precision, scale: scale, f)
        guard quotient.isSmooth else {
            corners += 1
            return
        }
        count += 1
        let error = abs(gradient - quotient.value) / scale
        worst = error.isNaN ? .infinity : max(worst, error)
    }

    var result: GradientCheck.Tensor { .init(name: name, count: count, corners: corners, error: worst) }
}
