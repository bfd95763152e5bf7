import Tensors

/// The result of comparing gradients with finite differences.
public struct GradientCheck: Hashable, Sendable, CustomStringConvertible {
    /// The result for one tensor.
    public struct Tensor: Hashable, Sendable {
        /// The name: `input`, `input_2`, or a parameter such as `kernel`.
        public let name: String
        /// The number of elements compared.
        public let count: Int
        /// The number of elements skipped because the function has a corner there: two step widths disagree.
        public let corners: Int
        /// The largest deviation from the difference quotient, relative to the tensor's largest gradient.
        public let error: Double
    }

    /// The errors in single precision, as the engine computes: every input, then every parameter. Rounding alone
    /// accounts for 10⁻⁶ to 10⁻⁴.
    public let tensors: [Tensor]
    /// The error of the same formulas in double precision, if the layer provides them (``TapeLayer``,
    /// ``FunctionLayer``): correct ones stay below 10⁻⁷. `nil` for a loss, whose value is a `Double` already: it has
    /// ``tensors`` alone.
    public let doublePrecisionError: Double?

    /// The largest error in single precision; infinite if any number was NaN or infinite.
    public var error: Double { tensors.map { $0.error.isFinite ? $0.error : .infinity }.max() ?? 0 }

    /// A description with one line per tensor.
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

/// A derivative estimated from finite differences at two step widths, extrapolated from both.
struct DifferenceQuotient {
    /// A step width, and the deviation between slopes that does not count as a corner, relative to the tensor's largest
    /// slope.
    struct Precision {
        let step, tolerance: Double

        static let single = Precision(step: 1.0 / 32, tolerance: 4e-3)
        /// For a value in `Double` of logits in `Float`.
        static let loss = Precision(step: 0x1p-7, tolerance: 4e-3)
        static let double = Precision(step: 0x1p-13, tolerance: 1e-6)
    }

    let value: Double
    /// Whether the function has no corner within the steps.
    let isSmooth: Bool

    /// Estimates `(4·D(h/2) − D(h))/3` with `D(h) = (f(h) − f(−h))/2h`, whose error is of order h⁴ (Richardson 1911).
    ///
    /// Where the function is curved, the one-sided slopes differ half as much at half the step; at a corner, they
    /// differ as much as before.
    /// - Parameter scale: The tensor's largest slope.
    init(_ precision: Precision, scale: Double, _ f: (Double) -> Double) {
        let h = precision.step, middle = f(0), right = f(h), left = f(-h), nearRight = f(h / 2), nearLeft = f(-h / 2)
        let wide = (right - left) / (2 * h), narrow = (nearRight - nearLeft) / h
        value = (4 * narrow - wide) / 3
        let least = precision.tolerance * scale
        let bend = abs(right - 2 * middle + left) / h, nearBend = abs(nearRight - 2 * middle + nearLeft) / (h / 2)
        isSmooth = !(abs(wide - narrow) > least) && !(nearBend > least && nearBend > 0.75 * bend)
    }
}

/// Compares gradients with difference quotients.
struct GradientComparison {
    private let name: String
    private let precision: DifferenceQuotient.Precision
    private let scale: Double
    private var worst = 0.0, count = 0, corners = 0

    /// - Parameter gradients: The gradients of the whole tensor.
    init(_ name: String, _ gradients: [Double], _ precision: DifferenceQuotient.Precision) {
        self.name = name
        self.precision = precision
        scale = max(gradients.map(abs).max() ?? 0, 1e-3)
    }

    /// Compares one element's gradient with the quotient of `f`, the value as a function of that element's change.
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
