/// One figure averaged over classes in three ways.
public struct Averages: Hashable, Sendable, Codable {
    /// Mean over classes, each counting the same.
    public var macro: Double
    /// Over all decisions at once, whatever their class.
    public var micro: Double
    /// Mean over classes, each counting by its samples.
    public var weighted: Double

    public init(macro: Double, micro: Double, weighted: Double) {
        self.macro = macro
        self.micro = micro
        self.weighted = weighted
    }

    /// Averages of `values` `[K]`, weighted by `support` `[K]`.
    init(_ values: [Double], support: [Int], micro: Double) {
        let weighted = zip(values, support).reduce(0.0) { $0 + $1.0 * Double($1.1) }
        self.init(
            macro: values.reduce(0, +) / Double(values.count), micro: micro,
            weighted: weighted / Double(support.reduce(0, +)))
    }
}

/// Precision, recall and F1 of one class against all others.
public struct ClassScores: Hashable, Sendable {
    public var name: String
    /// TP / (TP + FP); 0 where the class was never predicted.
    public var precision: Double
    /// TP / (TP + FN); 0 where the class has no samples.
    public var recall: Double
    /// 2·TP / (2·TP + FP + FN); 0 where it is neither true nor predicted.
    public var f1: Double
    /// Samples of the class.
    public var support: Int
}

/// Precision, recall and F1 per class and averaged, as scikit-learn's `precision_recall_fscore_support` gives
/// them with `labels=range(K), zero_division=0`: a class without samples takes part, with zeros.
public struct ClassificationReport: Hashable, Sendable {
    /// `[K]`.
    public let perClass: [ClassScores]
    public let precision: Averages
    public let recall: Averages
    public let f1: Averages
    /// Correct / N.
    public let accuracy: Double
    /// N.
    public let count: Int

    public init(_ matrix: ConfusionMatrix) {
        let support = matrix.support
        let predicted = matrix.predictedCounts
        func ratio(_ a: Int, _ b: Int) -> Double { b == 0 ? 0 : Double(a) / Double(b) }
        perClass = matrix.counts.indices.map { c in
            let hits = matrix.counts[c][c]
            return ClassScores(
                name: matrix.classNames[c], precision: ratio(hits, predicted[c]), recall: ratio(hits, support[c]),
                f1: ratio(2 * hits, support[c] + predicted[c]), support: support[c])
        }
        // Every sample has one true and one predicted class: micro precision, recall and F1 are the accuracy.
        accuracy = ratio(matrix.correct, matrix.total)
        count = matrix.total
        precision = Averages(perClass.map(\.precision), support: support, micro: accuracy)
        recall = Averages(perClass.map(\.recall), support: support, micro: accuracy)
        f1 = Averages(perClass.map(\.f1), support: support, micro: accuracy)
    }
}
