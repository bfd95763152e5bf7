/// What the figures and tables of classes are drawn from, whether an image has one label or several.
package protocol ClassEvaluation {
    /// The number of images.
    var imageCount: Int { get }
    /// The scores of each class, one-versus-rest.
    var perClass: [ClassScores] { get }
    /// The averaged F1.
    var f1: Averages { get }
    /// The 95 % interval of the macro-averaged F1; nil if none was computed.
    var macroF1Interval: ConfidenceInterval? { get }
    var precisionRecall: PrecisionRecallCurves { get }
    var roc: ROCCurves { get }
}

extension ClassEvaluation {
    package var names: [String] { perClass.map(\.name) }
}

extension EvaluationSummary: ClassEvaluation {
    package var imageCount: Int { predictions.count }
    package var perClass: [ClassScores] { report.perClass }
    package var f1: Averages { report.f1 }
    package var macroF1Interval: ConfidenceInterval? { bootstrap?[.f1] }
}

extension MultiLabelEvaluation: ClassEvaluation {
    package var imageCount: Int { count }
    package var macroF1Interval: ConfidenceInterval? { nil }
}
