/// A weighted linear least-squares problem: minimises the weighted sum of squared residuals `rᵢ = aᵢ·x − bᵢ` over up to
/// eight unknowns x.
struct LeastSquares {
    /// AᵀWA.
    private var matrix = [SIMD8<Double>](repeating: .zero, count: 8)
    /// AᵀWb.
    private var right = SIMD8<Double>.zero
    private let n: Int

    init(unknowns n: Int) {
        precondition((1...8).contains(n), "LeastSquares: expected 1 to 8 unknowns, received \(n)")
        self.n = n
    }

    /// Adds an observation.
    /// - Parameter a: The coefficients; elements from n on are 0.
    mutating func add(_ a: SIMD8<Double>, _ b: Double, weight: Double) {
        let scaled = weight * a
        for i in 0..<n { matrix[i] += scaled[i] * a }
        right += b * scaled
    }

    /// Solves the normal equations by Gauss–Jordan elimination with pivoting; nil if they are singular.
    func solution() -> SIMD8<Double>? {
        var m = matrix, b = right
        let scales = (0..<n).map { max(abs(m[$0][$0]), 1e-300) }
        for k in 0..<n {
            guard let pivot = (k..<n).max(by: { abs(m[$0][k]) < abs(m[$1][k]) }), abs(m[pivot][k]) > 1e-11 * scales[k]
            else { return nil }
            m.swapAt(k, pivot)
            (b[k], b[pivot]) = (b[pivot], b[k])
            for i in 0..<n where i != k {
                let factor = m[i][k] / m[k][k]
                guard factor != 0 else { continue }
                m[i] -= factor * m[k]
                b[i] -= factor * b[k]
            }
        }
        var x = SIMD8<Double>.zero
        for i in 0..<n { x[i] = b[i] / m[i][i] }
        return x
    }
}
