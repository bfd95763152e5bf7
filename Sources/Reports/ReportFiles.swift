import Evaluation
import Formats
import Foundation
import Runs
import Tensors
import Training

extension RunFolder {
    /// Writes `history.csv` and `learning_curves.svg`.
    package func write(history: TrainingHistory) throws(OperationError) {
        try write(HistoryTable.csv(history), as: .history)
        try write(LearningCurvesFigure.svg(history), as: .learningCurvesFigure)
    }

    /// Writes every table and figure of a test: predictions, classification report, confusion matrix, class scores,
    /// precision–recall and ROC curves, and calibration. `metrics.json` is written separately.
    package func write(evaluation: EvaluationSummary) throws(OperationError) {
        try write(PredictionsTable.csv(evaluation.predictions), as: .predictions)
        try write(ClassificationText.text(evaluation.report), as: .classificationReport)
        try write(ConfusionMatrixTable.csv(evaluation.confusionMatrix), as: .confusionMatrix)
        try write(NormalizedConfusionMatrixTable.csv(evaluation.confusionMatrix), as: .normalizedConfusionMatrix)
        try write(ConfusionMatrixFigure.svg(evaluation), as: .confusionMatrixFigure)
        try write(ClassScoresTable.csv(evaluation), as: .classScores)
        try write(ClassScoresFigure.svg(evaluation), as: .classScoresFigure)
        try write(CurveTables.precisionRecall(evaluation), as: .precisionRecall)
        try write(CurveFigures.precisionRecall(evaluation), as: .precisionRecallFigure)
        try write(CurveTables.roc(evaluation), as: .roc)
        try write(CurveFigures.roc(evaluation), as: .rocFigure)
        try write(CalibrationTable.csv(evaluation.calibration), as: .calibration)
        try write(CalibrationFigure.svg(evaluation), as: .calibrationFigure)
    }

    /// Writes the available pictures of images and weights, each with its numbers.
    package func write(pictures: RunPictures) throws(OperationError) {
        try write(pictures.mistakes.csv, as: .mistakes)
        try write(pictures.mistakes.figure.svg, as: .mistakesFigure)
        if let embedding = pictures.embedding {
            try write(embedding.csv, as: .embedding)
            try write(embedding.figure.svg, as: .embeddingFigure)
        }
        if let augmentation = pictures.augmentation { try write(augmentation: augmentation) }
        if let filters = pictures.filters { try write(filters: filters) }
    }

    /// Writes `augmentation.csv` and `augmentation.svg`.
    package func write(augmentation sheet: AugmentationSheet) throws(OperationError) {
        try write(sheet.csv, as: .augmentation)
        try write(sheet.figure.svg, as: .augmentationFigure)
    }

    /// Writes `filters.csv` and `filters.svg`.
    package func write(filters sheet: FilterSheet) throws(OperationError) {
        try write(sheet.csv, as: .filters)
        try write(sheet.figure.svg, as: .filtersFigure)
    }

    /// Writes `report.html`.
    package func write(report: RunReport) throws(OperationError) {
        try write(try report.html(), as: .report)
    }

    /// Writes `robustness.json`, `robustness.csv` and `robustness.svg`.
    package func write(robustness: RobustnessRecord) throws(OperationError) {
        func place(_ name: String) -> URL { url.appendingPathComponent(name) }
        try AtomicFile.write(
            try JSONText.encode(robustness, named: RobustnessRecord.fileName), to: place(RobustnessRecord.fileName))
        try AtomicFile.write(robustness.csv, to: place("robustness.csv"))
        try AtomicFile.write(RobustnessFigure.svg([robustness], names: []), to: place("robustness.svg"))
    }

    /// Writes `corruptions.svg`.
    package func write(corruptions sheet: CorruptionSheet) throws(OperationError) {
        try AtomicFile.write(sheet.figure.svg, to: url.appendingPathComponent("corruptions.svg"))
    }
}

extension SweepRecord {
    /// Writes `sweep.csv`, `results.json` and `sweep.svg` into `folder`.
    package func write(to folder: URL) throws(OperationError) {
        try AtomicFile.write(csv, to: folder.appendingPathComponent("sweep.csv"))
        try AtomicFile.write(
            try JSONText.encode(self, named: "results.json"), to: folder.appendingPathComponent("results.json"))
        try AtomicFile.write(SweepFigure.svg(self), to: folder.appendingPathComponent("sweep.svg"))
    }
}
