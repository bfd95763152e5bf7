import Evaluation
import Plots
import Runs

extension ReportPage {
    /// Returns every available picture in reading order, each with a note on how to read it.
    static func pictures(_ report: RunReport) -> [Picture] {
        let evaluation = report.evaluation
        var pictures: [Picture] = []
        pictures.add(
            "learning", report.history.map(LearningCurvesFigure.figure), [.learningCurvesFigure, .history],
            "Training figures are means over the epoch while the weights move, with dropout and augmentation at work; "
                + "validation is measured after the epoch without them, and so often looks better.")
        pictures.add(
            "classes", ClassScoresFigure.figure(evaluation), [.classScoresFigure, .classScores],
            "Where intervals overlap widely, this test set cannot tell which class is harder.")
        pictures.add(
            "confusion", ConfusionMatrixFigure.figure(evaluation),
            [.confusionMatrixFigure, .confusionMatrix, .normalizedConfusionMatrix],
            "Each row is a true class: off the diagonal stands what it was taken for. The colour scale is a square "
                + "root, so that one error in a hundred shows.")
        pictures.add(
            "mistakes", report.pictures.mistakes.figure, [.mistakesFigure, .mistakes],
            "Below each picture: its true class, what the network read, and the probability it gave that answer.")
        pictures.add(
            "precision-recall", CurveFigures.precisionRecallFigure(evaluation),
            [.precisionRecallFigure, .precisionRecall],
            "Each class against all others, as the threshold on its probability falls; the upper right corner is "
                + "perfect. The micro-average takes all decisions as one, the macro-average is the mean of the classes."
        )
        pictures.add(
            "roc", CurveFigures.rocFigure(evaluation), [.rocFigure, .roc],
            "The chance that a member of the class scores above a non-member is the area under its curve; the dashed "
                + "diagonal is guessing.")
        pictures.add(
            "calibration", CalibrationFigure.figure(evaluation), [.calibrationFigure, .calibration],
            "Bars above the diagonal: the network is right more often than it claims; below: less often.")
        pictures.add(
            "embedding", report.pictures.embedding?.figure, [.embeddingFigure, .embedding],
            "Classes that overlap here may still lie apart in the directions that are not shown.")
        pictures.add(
            "augmentation", report.pictures.augmentation?.figure, [.augmentationFigure, .augmentation],
            "Every epoch distorts every image anew; a label should still be readable in each.")
        pictures.add(
            "filters", report.pictures.filters?.figure, [.filtersFigure, .filters],
            "Kernels of one sign everywhere measure brightness; stripes and corners are edges. Noise says that a kernel "
                + "learnt little.")
        return pictures
    }
}

extension [ReportPage.Picture] {
    /// Adds a figure unless it is nil.
    mutating func add(_ id: String, _ figure: Figure?, _ files: [RunFile], _ note: String) {
        guard let figure else { return }
        append(
            Element(
                id: id, title: figure.title, subtitle: figure.subtitle, note: note,
                panels: figure.panels.map(\.inline), files: files.map(\.rawValue)))
    }
}
