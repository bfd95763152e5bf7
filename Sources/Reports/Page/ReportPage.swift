import Evaluation
import Formats
import Foundation
import LinearAlgebra
import Mustache
import NeuralNetwork
import Plots
import Runs
import Tensors

/// The content of the template of ``RunReport``: finished text, except for escaping.
struct ReportPage {
    /// One of the main metrics, shown large at the top.
    struct Headline {
        var name: String
        var value: String
        var note: String
    }

    struct Row {
        var name: String
        var value: String
        var interval: String
    }

    struct ClassRow {
        var name: String
        var support: String
        var precision: String
        var recall: String
        var f1: String
        var f1Interval: String
        var averagePrecision: String
        var area: String
    }

    struct Member {
        var name: String
        var accuracy: String
        var wrong: String
        var logLoss: String
        var f1: String
        var parameters: String
    }

    struct Layer {
        var name: String
        var type: String
        var reads: String
        var output: String
        var parameters: String
        var multiplyAdds: String
        var lowering: String
    }

    struct Picture {
        var id: String
        var title: String
        var subtitle: String
        /// How to read the picture.
        var note: String
        /// SVG, inserted without escaping.
        package var panels: [String]
        var files: [String]
    }

    var title: String
    var lead: String
    var isSample: Bool
    /// Unusual properties of the data.
    var notes: [String]
    var styleSheet: String
    var headlines: [Headline]
    var figures: [Row]
    var bootstrapNote: String
    var classes: [ClassRow]
    var pictures: [Picture]
    var members: [Member]
    var hasMembers: Bool
    var layers: [Layer]
    var layerNote: String
    var configuration: String
    var environment: [Row]
    package var digests: [Row]
    var reproduction: [String]
    var reproductionNote: String

    /// The names of the files with the metrics.
    var metricsFiles: [String]
    var hasClasses: Bool

    init(
        title: String, lead: String, isSample: Bool, notes: [String], headlines: [Headline], figures: [Row],
        figuresNote: String, classes: [ClassRow], pictures: [Picture], metricsFiles: [RunFile], members: [Member],
        graph: ResolvedGraph, configuration: String, environment: EnvironmentRecord, reproduction: [String]
    ) {
        (self.title, self.lead, self.isSample, self.notes) = (title, lead, isSample, notes)
        (self.headlines, self.figures, self.bootstrapNote, self.classes) = (headlines, figures, figuresNote, classes)
        (self.pictures, self.members, self.configuration) = (pictures, members, configuration)
        self.metricsFiles = metricsFiles.map(\.rawValue)
        styleSheet = Paint.darkStyleSheet
        hasClasses = !classes.isEmpty
        hasMembers = !members.isEmpty
        layers = graph.nodes.enumerated().map { index, node in
            Layer(
                name: Text.plain(node.name), type: node.layer.type,
                reads: node.inputs == [index - 1]
                    ? ""
                    : node.inputs.map { $0 < 0 ? "input" : Text.plain(graph.nodes[$0].name) }
                        .joined(separator: ", "),
                output: "\(node.outputShape)",
                parameters: Self.count(node.parameters.reduce(0) { $0 + $1.count }),
                multiplyAdds: Self.count(node.multiplyAdds), lowering: node.lowering)
        }
        layerNote =
            (members.isEmpty ? "" : "Of the first member. ")
            + "Input \(graph.inputShape); \(Text.grouped(graph.parameterCount)) parameters, "
            + "\(Text.grouped(graph.multiplyAdds)) multiply-adds an image forward. A layer that "
            + "names no other reads the one above it; the last column says how its products are computed."
        self.environment = Self.environment(environment)
        digests = environment.dataDigests.sorted { $0.key < $1.key }.map {
            Row(name: Text.plain($0.key), value: $0.value, interval: "")
        }
        self.reproduction = reproduction.map(Text.plain)
        reproductionNote =
            "The same data (digests above), configuration and seed give the same bits for any number of threads, on the "
            + "same kind of processor, BLAS and build; elsewhere the last digits differ."
    }

    init(_ report: RunReport) {
        let note =
            report.evaluation.bootstrap.map {
                "Intervals hold 95 %: Wilson's for accuracy, the others from \(Text.grouped($0.resamples)) bootstrap "
                    + "resamples of the test set (bias-corrected percentiles, seed \($0.seed)). They tell how far another "
                    + "test set of this size may differ, not how far another training run would."
            } ?? "The interval of accuracy is Wilson's, 95 %."
        self.init(
            title: Text.plain(report.name), lead: Self.lead(report), isSample: report.data.isSample,
            notes: (report.metrics.notes ?? []).map(Text.plain), headlines: Self.headlines(report),
            figures: Self.figures(report.evaluation), figuresNote: note + " " + report.evaluation.report.macroNote,
            classes: Self.classes(report.evaluation), pictures: Self.pictures(report),
            metricsFiles: [.metrics, .classificationReport, .predictions],
            members: report.members.map { member in
                Member(
                    name: member.shortName, accuracy: Text.percent(member.accuracy),
                    wrong: Text.grouped(member.count - member.correct), logLoss: Text.share(member.logLoss, 4),
                    f1: Text.share(member.macroF1, 4), parameters: Text.grouped(member.parameters))
            }, graph: report.graph, configuration: report.configuration, environment: report.environment,
            reproduction: report.reproduction)
    }

    /// Returns the complete page.
    /// - Throws: `OperationError` if the template is missing or cannot be read.
    func html() throws(OperationError) -> String {
        let url = Bundle.module.bundleURL.appendingPathComponent("report.mustache")
        do {
            let template = try MustacheTemplate(string: String(contentsOf: url, encoding: .utf8))
            return template.render(self)
        } catch {
            throw OperationError(
                "rendering report.html", problem: "the template \(url.path): \(error)",
                remedy: "build the package again, and keep its resource bundles beside the program")
        }
    }

    private static func count(_ value: Int) -> String { value == 0 ? "" : Text.grouped(value) }

    /// Returns two sentences on what was trained on what data.
    private static func lead(_ report: RunReport) -> String {
        let views = report.views > 1 ? ", the mean of \(report.views) views of each" : ""
        if !report.members.isEmpty {
            return "\(report.members.count) networks of \(Text.grouped(report.metrics.parameters)) parameters "
                + "together, trained before, their probabilities averaged; tested on "
                + "\(Text.grouped(report.evaluation.predictions.count)) images of \(report.data.dataset)\(views)."
        }
        let network =
            "A network of \(report.graph.nodes.count) layers and \(Text.grouped(report.graph.parameterCount)) parameters"
        let data = report.data
        let tested = "tested on \(Text.grouped(report.evaluation.predictions.count)) images of \(data.dataset)\(views)"
        guard let history = report.history, let training = data.training else {
            return "\(network), trained before, \(tested)."
        }
        let validation = data.validation.map {
            $0 == 0
                ? ", none held out for validation"
                : ", \(Text.grouped($0)) more \(data.choosesEpoch ? "chose the epoch" : "held out for validation")"
        }
        return "\(network), trained on \(Text.grouped(training)) images of \(data.dataset)\(validation ?? ""); "
            + "\(history.epochs.count) epoch\(history.epochs.count == 1 ? "" : "s") in "
            + "\(Text.duration(history.seconds)). It was \(tested), once, after the last epoch."
    }

    private static func headlines(_ report: RunReport) -> [Headline] {
        let evaluation = report.evaluation
        let interval = evaluation.accuracyInterval
        let wrong = evaluation.predictions.count - evaluation.confusionMatrix.correct
        func note(_ figure: BootstrapIntervals.Figure) -> String {
            evaluation.bootstrap?[figure].map { "\(Text.share($0.lower, 4)) to \(Text.share($0.upper, 4))" } ?? ""
        }
        var rows = [
            Headline(
                name: "Test accuracy", value: Text.percent(evaluation.report.accuracy),
                note: "\(Text.hundredths(interval.lower)) to \(Text.hundredths(interval.upper)) %"),
            Headline(
                name: "Wrong", value: Text.grouped(wrong), note: "of \(Text.samples(evaluation.predictions.count))"),
            Headline(name: "Macro F1", value: Text.share(evaluation.report.f1.macro, 4), note: note(.f1)),
            Headline(name: "Log loss", value: Text.share(evaluation.logLoss, 4), note: note(.logLoss)),
            Headline(
                name: "Calibration error", value: Text.share(evaluation.calibration.expectedError, 4),
                note: note(.calibrationError)),
        ]
        if let history = report.history {
            rows.append(
                Headline(
                    name: "Training", value: Text.duration(history.seconds),
                    note: "\(Text.grouped(Int(history.imagesPerSecond))) images/s"))
        }
        return rows
    }

    private static func figures(_ evaluation: EvaluationSummary) -> [Row] {
        let report = evaluation.report, average = evaluation.precisionRecall.averagePrecision
        func row(_ name: String, _ value: Double?, _ figure: BootstrapIntervals.Figure? = nil) -> Row {
            Row(
                name: name, value: value.map { Text.share($0, 4) } ?? "undefined",
                interval: figure.flatMap { evaluation.bootstrap?[$0] }
                    .map { "\(Text.share($0.lower, 4)) to \(Text.share($0.upper, 4))" } ?? "")
        }
        let interval = evaluation.accuracyInterval
        return [
            Row(
                name: "Accuracy", value: Text.share(report.accuracy, 4),
                interval: "\(Text.share(interval.lower, 4)) to \(Text.share(interval.upper, 4))")
        ]
            + evaluation.topK.map { row("Accuracy among the \($0.k) likeliest", $0.accuracy) }
            + [
                row("Precision, macro", report.precision.macro, .precision),
                row("Recall, macro", report.recall.macro, .recall), row("F1, macro", report.f1.macro, .f1),
                row("F1, weighted by class size", report.f1.weighted),
                row("Average precision, macro", average.macro, .averagePrecision),
                row("Average precision, micro", average.micro),
                row("Area under ROC, macro", evaluation.roc.macroArea, .rocAuc),
                row("Area under ROC, micro", evaluation.roc.micro.area),
                row("Log loss, nats", evaluation.logLoss, .logLoss),
                row("Brier score", evaluation.brierScore, .brier),
                row("Expected calibration error", evaluation.calibration.expectedError, .calibrationError),
                row("Cohen's κ", evaluation.confusionMatrix.kappa, .kappa),
                row("Matthews' correlation", evaluation.confusionMatrix.matthews, .matthews),
            ] + evaluation.metrics.map { row($0.name, $0.value.isNaN ? nil : $0.value) }
    }

    static func classes(_ evaluation: some ClassEvaluation) -> [ClassRow] {
        evaluation.perClass.enumerated().map { c, scores in
            ClassRow(
                name: Text.plain(scores.name), support: Text.grouped(scores.support),
                precision: Text.share(scores.precision, 4),
                recall: Text.share(scores.recall, 4), f1: Text.share(scores.f1, 4),
                f1Interval: scores.f1Interval.map { "\(Text.share($0.lower, 4)) to \(Text.share($0.upper, 4))" } ?? "–",
                averagePrecision: Text.share(evaluation.precisionRecall.perClass[c].averagePrecision, 4),
                area: evaluation.roc.perClass[c].area.map { Text.share($0, 4) } ?? "–")
        }
    }

    private static func environment(_ record: EnvironmentRecord) -> [Row] {
        func row(_ name: String, _ value: String) -> Row { Row(name: name, value: Text.plain(value), interval: "") }
        let blas = [record.blas.backend, record.blas.version, record.blas.core.map { "core \($0)" }]
        return [
            row("Numeral", record.numeralVersion), row("Commit", record.commit ?? "unknown"),
            row("Swift", record.swiftVersion), row("System", record.operatingSystem),
            row("Processor", "\(record.processor.model), \(record.processor.cores) cores"),
            row("Vector extensions", record.processor.features.joined(separator: ", ")),
            row("BLAS", blas.compactMap { $0 }.joined(separator: ", ")), row("Threads", "\(record.threads)"),
            row("Started", record.date.formatted(.iso8601)),
            row("Command", record.commandLine.joined(separator: " ")),
        ]
    }
}
