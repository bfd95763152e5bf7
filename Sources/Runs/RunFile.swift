/// The files of a run, by name.
package enum RunFile: String, CaseIterable, Sendable {
    case config = "config.json"
    case environment = "environment.json"
    case history = "history.csv"
    /// Grows during the run, as `tensorBoard` does.
    case events = "events.jsonl"
    /// The name contains `tfevents`, by which TensorBoard finds the file.
    case tensorBoard = "events.out.tfevents.numeral"
    case metrics = "metrics.json"
    case predictions = "predictions.csv"
    case classificationReport = "classification_report.txt"
    case confusionMatrix = "confusion_matrix.csv"
    case normalizedConfusionMatrix = "confusion_matrix_normalized.csv"
    case confusionMatrixFigure = "confusion_matrix.svg"
    case classScores = "class_scores.csv"
    case classScoresFigure = "class_scores.svg"
    case precisionRecall = "precision_recall.csv"
    case precisionRecallFigure = "precision_recall.svg"
    case roc = "roc.csv"
    case rocFigure = "roc.svg"
    case learningCurvesFigure = "learning_curves.svg"
    case calibration = "calibration.csv"
    case calibrationFigure = "calibration.svg"
    case mistakes = "mistakes.csv"
    case mistakesFigure = "mistakes.svg"
    case embedding = "embedding.csv"
    case embeddingFigure = "embedding.svg"
    case augmentation = "augmentation.csv"
    case augmentationFigure = "augmentation.svg"
    case filters = "filters.csv"
    case filtersFigure = "filters.svg"
    /// Only runs on lines of text have this file and the next three.
    case lines = "lines.csv"
    case acceptance = "acceptance.csv"
    case acceptanceFigure = "acceptance.svg"
    case composedFigure = "composed.svg"
    case report = "report.html"
    case model = "model.safetensors"

    /// The files that only runs on lines of text have.
    package static let ofLines: Set<RunFile> = [.lines, .acceptance, .acceptanceFigure, .composedFigure]
    /// All other files.
    package static let ofImages = allCases.filter { !ofLines.contains($0) }
}
