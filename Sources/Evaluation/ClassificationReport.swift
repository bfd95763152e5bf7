/// One figure averaged over classes in three ways.
public struct Averages: Hashable, Sendable, Codable {
    /// Mean over classes, each counting the same.
    public var macro: Double
    /// Over all decisions at once, whatever their class.
    public var micro: Double
    /// Mean over classes, each counting by its samples.
    public var weighted: Double

    /// Three averages of one figure.
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
    /// The class's name.
    public var name: String
    /// TP / (TP + FP); 0 where the class was never predicted.
    public var precision: Double
    /// TP / (TP + FN); 0 where the class has no samples.
    public var recall: Double
    /// 2·TP / (2·TP + FP + FN); 0 where it is neither true nor predicted.
    public var f1: Double
    /// Samples of the class.
    public var support: Int
    /// 95 %, Wilson; nil where the class was never predicted.
    public var precisionInterval: ConfidenceInterval?
    /// 95 %, Wilson; nil where the class has no samples.
    public var recallInterval: ConfidenceInterval?
    /// 95 %; nil where the class is neither true nor predicted. F1 is `2J / (1 + J)` of Jaccard's index
    /// `J = TP / (TP + FP + FN)`, a proportion of the samples that are one or the other: Wilson's interval of J, carried
    /// over.
    public var f1Interval: ConfidenceInterval?

    init(name: String, hits: Int, support: Int, predicted: Int) {
        func ratio(_ a: Int, _ b: Int) -> Double { b == 0 ? 0 : Double(a) / Double(b) }
        func interval(_ a: Int, _ b: Int) -> ConfidenceInterval? {
            b == 0 ? nil : .wilson(successes: a, count: b)
        }
        self.name = name
        self.support = support
        precision = ratio(hits, predicted)
        recall = ratio(hits, support)
        f1 = ratio(2 * hits, support + predicted)
        precisionInterval = interval(hits, predicted)
        recallInterval = interval(hits, support)
        f1Interval = interval(hits, support + predicted - hits).map {
            ConfidenceInterval(
                lower: 2 * $0.lower / (1 + $0.lower), upper: 2 * $0.upper / (1 + $0.upper), level: $0.level)
        }
    }
}

/// Precision, recall and F1 per class and averaged, as scikit-learn's `precision_recall_fscore_support` gives
/// them with `labels=range(K), zero_division=0`: a class without samples takes part, with zeros.
public struct ClassificationReport: Hashable, Sendable {
    /// `[K]`.
    public let perClass: [ClassScores]
    /// Precision, averaged.
    public let precision: Averages
    /// Recall, averaged.
    public let recall: Averages
    /// F1, averaged.
    public let f1: Averages
    /// Correct / N.
    public let accuracy: Double
    /// N.
    public let count: Int

    /// Computes every figure from the counts.
    public init(_ matrix: ConfusionMatrix) {
        let support = matrix.support
        let predicted = matrix.predictedCounts
        perClass = matrix.counts.indices.map { c in
            ClassScores(
                name: matrix.classNames[c], hits: matrix.counts[c][c], support: support[c], predicted: predicted[c])
        }
        // Every sample has one true and one predicted class: micro precision, recall and F1 are the accuracy.
        accuracy = Double(matrix.correct) / Double(matrix.total)
        count = matrix.total
        precision = Averages(perClass.map(\.precision), support: support, micro: accuracy)
        recall = Averages(perClass.map(\.recall), support: support, micro: accuracy)
        f1 = Averages(perClass.map(\.f1), support: support, micro: accuracy)
    }
}
