/// The macro, micro and weighted averages of one figure.
public struct Averages: Hashable, Sendable, Codable {
    /// The unweighted mean over classes.
    public var macro: Double
    /// The figure computed over all decisions pooled, regardless of class.
    public var micro: Double
    /// The mean over classes, weighted by their numbers of samples; 0 if there are none.
    public var weighted: Double

    /// Creates the averages.
    public init(macro: Double, micro: Double, weighted: Double) {
        self.macro = macro
        self.micro = micro
        self.weighted = weighted
    }

    /// Averages `values` `[K]` with weights `support` `[K]`.
    init(_ values: [Double], support: [Int], micro: Double) {
        // Of several labels, no image need have any.
        let weighted = zip(values, support).reduce(0.0) { $0 + $1.0 * Double($1.1) }, all = support.reduce(0, +)
        self.init(
            macro: values.reduce(0, +) / Double(values.count), micro: micro,
            weighted: all > 0 ? weighted / Double(all) : 0)
    }
}

/// Precision, recall and F1 of one class, one-versus-rest.
public struct ClassScores: Hashable, Sendable {
    /// The name of the class.
    public var name: String
    /// TP / (TP + FP); 0 if the class was never predicted.
    public var precision: Double
    /// TP / (TP + FN); 0 if the class has no samples.
    public var recall: Double
    /// 2·TP / (2·TP + FP + FN); 0 if the class is neither true nor predicted.
    public var f1: Double
    /// The number of samples of the class.
    public var support: Int
    /// The 95 % Wilson interval of precision; nil if the class was never predicted.
    public var precisionInterval: ConfidenceInterval?
    /// The 95 % Wilson interval of recall; nil if the class has no samples.
    public var recallInterval: ConfidenceInterval?
    /// The 95 % interval of F1; nil if the class is neither true nor predicted.
    ///
    /// F1 is `2J / (1 + J)`, where Jaccard's index `J = TP / (TP + FP + FN)` is a proportion of the samples that are of
    /// the class or predicted as it. The interval is Wilson's interval of J, transformed.
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

/// Precision, recall and F1 per class and averaged, equal to scikit-learn's `precision_recall_fscore_support` with
/// `labels=range(K), zero_division=0`: a class without samples is included, with zeros.
public struct ClassificationReport: Hashable, Sendable {
    /// The scores of each class, `[K]`.
    public let perClass: [ClassScores]
    /// The averaged precision.
    public let precision: Averages
    /// The averaged recall.
    public let recall: Averages
    /// The averaged F1.
    public let f1: Averages
    /// The number of correct samples / N.
    public let accuracy: Double
    /// The number of samples, N.
    public let count: Int

    /// Computes the report of a confusion matrix.
    public init(_ matrix: ConfusionMatrix) {
        let support = matrix.support
        let predicted = matrix.predictedCounts
        perClass = matrix.counts.indices.map { c in
            ClassScores(
                name: matrix.classNames[c], hits: matrix.counts[c][c], support: support[c], predicted: predicted[c])
        }
        // Each sample has one true and one predicted class, so micro precision, recall and F1 equal the accuracy.
        accuracy = Double(matrix.correct) / Double(matrix.total)
        count = matrix.total
        precision = Averages(perClass.map(\.precision), support: support, micro: accuracy)
        recall = Averages(perClass.map(\.recall), support: support, micro: accuracy)
        f1 = Averages(perClass.map(\.f1), support: support, micro: accuracy)
    }
}
