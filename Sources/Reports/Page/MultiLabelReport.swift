import Evaluation
import Formats
import Foundation
import NeuralNetwork
import Plots
import Runs
import Tensors
import Training

/// `report.html` and the files of a run on images with several labels.
package struct MultiLabelReport: Sendable {
    package var name: String
    package var dataset: String
    package var graph: ResolvedGraph
    package var evaluation: MultiLabelEvaluation
    package var history: TrainingHistory?
    package var notes: [String]
    package var configuration: String
    package var environment: EnvironmentRecord
    package var reproduction: [String]

    package init(
        name: String, dataset: String, graph: ResolvedGraph, evaluation: MultiLabelEvaluation,
        history: TrainingHistory?, notes: [String], configuration: String, environment: EnvironmentRecord,
        reproduction: [String]
    ) {
        (self.name, self.dataset, self.graph, self.evaluation) = (name, dataset, graph, evaluation)
        (self.history, self.notes, self.configuration) = (history, notes, configuration)
        (self.environment, self.reproduction) = (environment, reproduction)
    }

    /// Writes predictions, class scores, curves and the page. `metrics.json` is written separately.
    package func write(to folder: RunFolder) throws(OperationError) {
        try folder.write(predictionsCSV, as: .predictions)
        try folder.write(ClassScoresTable.csv(evaluation), as: .classScores)
        try folder.write(ClassScoresFigure.svg(evaluation), as: .classScoresFigure)
        try folder.write(CurveTables.precisionRecall(evaluation), as: .precisionRecall)
        try folder.write(CurveFigures.precisionRecall(evaluation), as: .precisionRecallFigure)
        try folder.write(CurveTables.roc(evaluation), as: .roc)
        try folder.write(CurveFigures.roc(evaluation), as: .rocFigure)
        try folder.write(try ReportPage(self).html(), as: .report)
    }

    /// `predictions.csv`: `index,labels,prediction,p0,…`, a row for each image, label names separated by `|`.
    package var predictionsCSV: String {
        let k = evaluation.classCount
        var table = CSV(
            header: ["index", "labels", "prediction"] + (0..<k).map { "p\($0)" },
            reservingBytes: evaluation.count * (32 + 22 * k))
        for i in 0..<evaluation.count {
            table.add(i)
            table.add(names(evaluation.labelSets[i]))
            table.add(names(evaluation.predictedSets[i]))
            for c in 0..<k { table.add(Double(evaluation.probabilities[i * k + c])) }
            table.endLine()
        }
        return table.text
    }

    private func names(_ set: UInt64) -> String {
        evaluation.classNames.enumerated().filter { set >> UInt64($0.offset) & 1 == 1 }.map(\.element)
            .joined(separator: "|")
    }

    /// The results for a console, without the ``table`` of labels.
    package var summary: String {
        let interval = evaluation.exactInterval
        return
            "All labels right  \(Text.percent(evaluation.exactShare)), 95 % interval "
            + "\(Text.hundredths(interval.lower)) to \(Text.hundredths(interval.upper)) % of "
            + "\(Text.grouped(evaluation.count)) images\n"
            + "Single decisions  \(Text.percent(evaluation.hammingLoss)) wrong (Hamming loss); log loss "
            + "\(Text.share(evaluation.logLoss, 4)) nats; F1 by image \(Text.share(evaluation.sampleF1, 4))\n"
    }

    /// A row of precision, recall, F1 and average precision for each label and average, with a header.
    package var table: [[String]] {
        let averages: [(String, KeyPath<Averages, Double>)] = [
            ("macro", \.macro), ("micro", \.micro), ("weighted", \.weighted),
        ]
        return [["label", "images", "precision", "recall", "F1", "AP"]]
            + evaluation.perClass.enumerated().map { c, scores in
                [
                    scores.name, Text.grouped(scores.support), Text.share(scores.precision, 4),
                    Text.share(scores.recall, 4), Text.share(scores.f1, 4),
                    Text.share(evaluation.precisionRecall.perClass[c].averagePrecision, 4),
                ]
            }
            + averages.map { name, path in
                [
                    name, Text.grouped(evaluation.count), Text.share(evaluation.precision[keyPath: path], 4),
                    Text.share(evaluation.recall[keyPath: path], 4), Text.share(evaluation.f1[keyPath: path], 4),
                    Text.share(evaluation.precisionRecall.averagePrecision[keyPath: path], 4),
                ]
            }
    }
}

extension ReportPage {
    init(_ report: MultiLabelReport) {
        let evaluation = report.evaluation, interval = evaluation.exactInterval
        let average = evaluation.precisionRecall.averagePrecision
        let trained = report.history.map {
            ", trained in \($0.epochs.count) epoch\($0.epochs.count == 1 ? "" : "s"), \(Text.duration($0.seconds))"
        }
        func row(_ name: String, _ value: Double?) -> Row {
            Row(name: name, value: value.map { Text.share($0, 4) } ?? "undefined", interval: "")
        }
        var headlines = [
            Headline(
                name: "All labels right", value: Text.percent(evaluation.exactShare),
                note: "\(Text.hundredths(interval.lower)) to \(Text.hundredths(interval.upper)) %"),
            Headline(
                name: "Decisions wrong", value: Text.percent(evaluation.hammingLoss),
                note: "of \(Text.grouped(evaluation.count * evaluation.classCount))"),
            Headline(name: "Macro F1", value: Text.share(evaluation.f1.macro, 4), note: ""),
            Headline(name: "Macro AP", value: Text.share(average.macro, 4), note: ""),
        ]
        if let history = report.history {
            headlines.append(
                Headline(
                    name: "Training", value: Text.duration(history.seconds),
                    note: "\(Text.grouped(Int(history.imagesPerSecond))) images/s"))
        }
        let figures = [
            Row(
                name: "Images with all labels right", value: Text.share(evaluation.exactShare, 4),
                interval: "\(Text.share(interval.lower, 4)) to \(Text.share(interval.upper, 4))"),
            row("Hamming loss", evaluation.hammingLoss), row("Log loss, nats a decision", evaluation.logLoss),
            row("Precision, macro", evaluation.precision.macro), row("Precision, micro", evaluation.precision.micro),
            row("Recall, macro", evaluation.recall.macro), row("Recall, micro", evaluation.recall.micro),
            row("F1, macro", evaluation.f1.macro), row("F1, micro", evaluation.f1.micro),
            row("F1, mean over images", evaluation.sampleF1), row("Average precision, macro", average.macro),
            row("Average precision, micro", average.micro), row("Area under ROC, macro", evaluation.roc.macroArea),
        ]
        var pictures: [Picture] = []
        pictures.add(
            "learning", report.history.map(LearningCurvesFigure.figure), [.learningCurvesFigure, .history],
            "Accuracy is of images with all labels right; training figures are means over the epoch while the weights move."
        )
        pictures.add(
            "classes", ClassScoresFigure.figure(evaluation), [.classScoresFigure, .classScores],
            "An image has a label if its probability is at least one half.")
        pictures.add(
            "precision-recall", CurveFigures.precisionRecallFigure(evaluation),
            [.precisionRecallFigure, .precisionRecall],
            "Each label for itself, as the threshold on its probability falls; the upper right corner is perfect.")
        pictures.add(
            "roc", CurveFigures.rocFigure(evaluation), [.rocFigure, .roc],
            "Each label for itself; the diagonal is chance.")
        self.init(
            title: Text.plain(report.name),
            lead: "A network of \(report.graph.nodes.count) layers and \(Text.grouped(report.graph.parameterCount)) "
                + "parameters that gives an image any number of \(evaluation.classCount) labels\(trained ?? ""). It was "
                + "tested on \(Text.grouped(evaluation.count)) images of \(report.dataset).",
            isSample: false, notes: report.notes.map(Text.plain), headlines: headlines, figures: figures,
            figuresNote:
                "The interval is Wilson's, 95 %. In the F1 by image, an image without labels, true or predicted, counts 0, "
                + "as in scikit-learn.", classes: Self.classes(evaluation), pictures: pictures,
            metricsFiles: [.metrics, .predictions], members: [], graph: report.graph,
            configuration: report.configuration, environment: report.environment, reproduction: report.reproduction)
    }
}
