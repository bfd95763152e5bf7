/// How often each class was taken for which, and the two coefficients of agreement read off it.
public struct ConfusionMatrix: Hashable, Sendable {
    /// Samples by true class (row) and predicted class (column), `[K][K]`.
    public let counts: [[Int]]
    /// `[K]`.
    public let classNames: [String]

    /// Counts the predictions.
    public init(_ predictions: Predictions) {
        let k = predictions.classCount
        var counts = [[Int]](repeating: [Int](repeating: 0, count: k), count: k)
        for (label, predicted) in zip(predictions.labels, predictions.predictedLabels) {
            counts[label][predicted] += 1
        }
        self.counts = counts
        classNames = predictions.classNames
    }

    /// - Parameter counts: `[K, K]` row-major; classes have no names.
    init(_ counts: [Int], classes k: Int) {
        self.counts = (0..<k).map { Array(counts[($0 * k)..<($0 * k + k)]) }
        classNames = []
    }

    /// Macro-averaged precision, recall and F1, as ``ClassificationReport`` defines them.
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

    /// K.
    public var classCount: Int { counts.count }
    /// Samples of each class: sums of rows, `[K]`.
    public var support: [Int] { counts.map { $0.reduce(0, +) } }
    /// Samples predicted as each class: sums of columns, `[K]`.
    public var predictedCounts: [Int] {
        counts.reduce(into: [Int](repeating: 0, count: classCount)) { sums, row in
            for (j, count) in row.enumerated() { sums[j] += count }
        }
    }
    /// N.
    public var total: Int { support.reduce(0, +) }
    /// Samples on the diagonal.
    public var correct: Int { counts.indices.reduce(0) { $0 + counts[$1][$1] } }

    /// Cohen's κ: agreement beyond chance, `1 − observed / expected` disagreement, in [−1, 1].
    ///
    /// Nil where truth and prediction share one single class, so that chance alone explains everything
    /// (scikit-learn: NaN). Cohen, "A coefficient of agreement for nominal scales", 1960.
    public var kappa: Double? {
        let total = Double(self.total)
        let (rows, columns) = (support, predictedCounts)
        let agreement = zip(rows, columns).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        let expected = total - agreement / total
        guard agreement < total * total else { return nil }
        return 1 - Double(self.total - correct) / expected
    }

    /// Matthews' correlation for K classes, in [−1, 1]; 0 where either side has one class only.
    ///
    /// `(c·n − t·p) / √((n² − p·p)(n² − t·t))` with c correct, t and p the samples per true and predicted class.
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
