/// A confusion matrix, and the two agreement coefficients derived from it.
public struct ConfusionMatrix: Hashable, Sendable {
    /// The number of samples by true class (row) and predicted class (column), `[K][K]`.
    public let counts: [[Int]]
    /// The class names, `[K]`.
    public let classNames: [String]

    /// Creates the confusion matrix of `predictions`.
    public init(_ predictions: Predictions) {
        let k = predictions.classCount
        var counts = [[Int]](repeating: [Int](repeating: 0, count: k), count: k)
        for (label, predicted) in zip(predictions.labels, predictions.predictedLabels) {
            counts[label][predicted] += 1
        }
        self.counts = counts
        classNames = predictions.classNames
    }

    /// Creates a matrix without class names.
    /// - Parameter counts: The counts, `[K, K]` row-major.
    init(_ counts: [Int], classes k: Int) {
        self.counts = (0..<k).map { Array(counts[($0 * k)..<($0 * k + k)]) }
        classNames = []
    }

    /// The macro-averaged precision, recall and F1, as defined by ``ClassificationReport``.
    var macroFigures: (precision: Double, recall: Double, f1: Double) {
        let (rows, columns) = (support, predictedCounts)
        func ratio(_ a: Int, _ b: Int) -> Double { b == 0 ? 0 : Double(a) / Double(b) }
        func mean(_ value: (Int) -> Double) -> Double {
            counts.indices.reduce(0.0) { $0 + value($1) } / Double(classCount)
        }
        return (
            mean { ratio(counts[$0][$0], columns[$0]) }, mean { ratio(counts[$0][$0], rows[$0]) },
            mean { ratio(2 * counts[$0][$0], rows[$0] + columns[$0]) }
        )
    }

    /// The number of classes, K.
    public var classCount: Int { counts.count }
    /// The number of samples of each class (row sums), `[K]`.
    public var support: [Int] { counts.map { $0.reduce(0, +) } }
    /// The number of samples predicted as each class (column sums), `[K]`.
    public var predictedCounts: [Int] {
        counts.reduce(into: [Int](repeating: 0, count: classCount)) { sums, row in
            for (j, count) in row.enumerated() { sums[j] += count }
        }
    }
    /// The number of samples, N.
    public var total: Int { support.reduce(0, +) }
    /// The number of correctly classified samples (the diagonal).
    public var correct: Int { counts.indices.reduce(0) { $0 + counts[$1][$1] } }

    /// Cohen's κ: agreement beyond chance, `1 − observed / expected` disagreement, in [−1, 1].
    ///
    /// Nil if all samples have the same true and predicted class, so that chance explains the agreement entirely
    /// (scikit-learn returns NaN). Cohen, "A coefficient of agreement for nominal scales", 1960.
    public var kappa: Double? {
        let total = Double(self.total)
        let (rows, columns) = (support, predictedCounts)
        let agreement = zip(rows, columns).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        let expected = total - agreement / total
        guard agreement < total * total else { return nil }
        return 1 - Double(self.total - correct) / expected
    }

    /// The Matthews correlation coefficient for K classes, in [−1, 1]; 0 if only one class is true or predicted.
    ///
    /// `(c·n − t·p) / √((n² − p·p)(n² − t·t))`, where c is the number of correct samples, and t and p are the numbers
    /// of samples per true and predicted class.
    /// Gorodkin, "Comparing two K-category assignments by a K-category correlation coefficient", 2004.
    public var matthews: Double {
        let n = Double(total)
        let t = support.map(Double.init)
        let p = predictedCounts.map(Double.init)
        func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
        let spread = (n * n - dot(p, p)) * (n * n - dot(t, t))
        return spread == 0 ? 0 : (Double(correct) * n - dot(t, p)) / spread.squareRoot()
    }
}
