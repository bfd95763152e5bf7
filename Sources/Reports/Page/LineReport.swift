import Evaluation
import Formats
import Foundation
import Mustache
import NeuralNetwork
import Plots
import Runs
import Tensors
import Training

/// `report.html` of a run on lines of text.
package struct LineReport: Sendable {
    package var name: String
    package var dataset: String
    package var isSample: Bool
    package var graph: ResolvedGraph
    package var evaluation: LineEvaluation
    package var history: TrainingHistory?
    /// The number of lines in an epoch.
    package var trainingLines: Int
    package var composed: LineSheet?
    package var mistakes: LineSheet
    package var notes: [String]
    package var configuration: String
    package var environment: EnvironmentRecord
    package var reproduction: [String]

    package init(
        name: String, dataset: String, isSample: Bool, graph: ResolvedGraph, evaluation: LineEvaluation,
        history: TrainingHistory?, trainingLines: Int, composed: LineSheet?, mistakes: LineSheet, notes: [String],
        configuration: String, environment: EnvironmentRecord, reproduction: [String]
    ) {
        (self.name, self.dataset, self.isSample, self.graph) = (name, dataset, isSample, graph)
        (self.evaluation, self.history, self.trainingLines) = (evaluation, history, trainingLines)
        (self.composed, self.mistakes, self.notes) = (composed, mistakes, notes)
        (self.configuration, self.environment, self.reproduction) = (configuration, environment, reproduction)
    }

    /// Returns the complete page.
    /// - Throws: `OperationError` if the template is missing or cannot be read.
    package func html() throws(OperationError) -> String { try ReportPage(self).html() }
}

extension ReportPage {
    init(_ report: LineReport) {
        let evaluation = report.evaluation, interval = evaluation.accuracyInterval
        let trained = report.history.map {
            ", trained on \(Text.grouped(report.trainingLines)) lines in each of \($0.epochs.count) epoch"
                + "\($0.epochs.count == 1 ? "" : "s"), \(Text.duration($0.seconds))"
        }
        let lead =
            "A network of \(report.graph.nodes.count) layers and \(Text.grouped(report.graph.parameterCount)) parameters "
            + "that reads lines of text whole\(trained ?? "")."
            + " It was tested on \(Text.grouped(evaluation.count)) lines of \(report.dataset)."
        var headlines = [
            Headline(
                name: "Lines right", value: Text.percent(evaluation.accuracy),
                note: "\(Text.hundredths(interval.lower)) to \(Text.hundredths(interval.upper)) %"),
            Headline(
                name: "Wrong", value: Text.grouped(evaluation.count - evaluation.correct),
                note: "of \(Text.grouped(evaluation.count)) lines"),
            Headline(
                name: "Character errors", value: Text.percent(evaluation.characterErrorRate),
                note: "of \(Text.grouped(evaluation.characters))"),
            Headline(name: "Log loss", value: Text.share(evaluation.logLoss, 4), note: "nats a line"),
        ]
        if let history = report.history {
            headlines.append(
                Headline(
                    name: "Training", value: Text.duration(history.seconds),
                    note: "\(Text.grouped(Int(history.imagesPerSecond))) lines/s"))
        }
        var figures = [
            Row(
                name: "Lines right as a whole", value: Text.share(evaluation.accuracy, 4),
                interval: "\(Text.share(interval.lower, 4)) to \(Text.share(interval.upper, 4))"),
            Row(name: "Mean probability", value: Text.share(evaluation.meanProbability, 4), interval: ""),
            Row(name: "Character error rate", value: Text.share(evaluation.characterErrorRate, 4), interval: ""),
            Row(name: "Characters taken for others", value: Text.grouped(evaluation.substitutions), interval: ""),
            Row(name: "Characters put in", value: Text.grouped(evaluation.insertions), interval: ""),
            Row(name: "Characters left out", value: Text.grouped(evaluation.deletions), interval: ""),
        ]
        figures += evaluation.lengths.map { group in
            let share = ConfidenceInterval.wilson(successes: group.correct, count: group.count)
            return Row(
                name: "Lines of \(group.length) character\(group.length == 1 ? "" : "s")",
                value: "\(Text.grouped(group.correct)) of \(Text.grouped(group.count))",
                interval: "\(Text.share(share.lower, 4)) to \(Text.share(share.upper, 4))")
        }
        self.init(
            title: Text.plain(report.name), lead: lead, isSample: report.isSample, notes: report.notes.map(Text.plain),
            headlines: headlines, figures: figures, figuresNote: "Intervals are Wilson's, 95 %.", classes: [],
            pictures: Self.pictures(report), metricsFiles: [.metrics, .lines], members: [], graph: report.graph,
            configuration: report.configuration, environment: report.environment, reproduction: report.reproduction)
    }

    private static func pictures(_ report: LineReport) -> [Picture] {
        var pictures: [Picture] = []
        pictures.add(
            "learning", report.history.map(LearningCurvesFigure.figure), [.learningCurvesFigure, .history],
            "Accuracy is of whole lines; training figures are means over the epoch while the weights move.")
        pictures.add(
            "acceptance", AcceptanceFigure.figure(report.evaluation), [.acceptanceFigure, .acceptance],
            "From left to right more readings are accepted, the surest first; where the curve leaves the floor errors begin."
        )
        pictures.add(
            "mistakes", report.mistakes.figure, [.mistakesFigure, .lines],
            "Above the others those that the network was surest of: what it says, what was read, how surely.")
        pictures.add(
            "composed", report.composed?.figure, [.composedFigure],
            "A text should be readable in each; every epoch composes lines anew, or varies those that are pictures.")
        return pictures
    }
}
