import ArgumentParser
import Formats
import Forms
import Foundation
import Numeral
import Tensors

/// `trainer forms calibrate`.
struct FormsCalibrateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "calibrate",
        abstract: "Choose the acceptance threshold from forms whose values are known.",
        discussion: """
            --truth is a table with the columns file, field and value, such as the audit.csv of forms that people keyed. The \
            template (acceptance) sets the error rate allowed and the confidence level of the bound.
            """)

    @OptionGroup var options: FormsOptions

    @Option(help: ArgumentHelp("The true values of the fields.", valueName: "file.csv"))
    var truth: String

    @Option(help: ArgumentHelp("The calibration file to write.", valueName: "file.json"))
    var output: String

    func run() throws {
        let job = try options.makeJob()
        let truth = try TruthTable(truth)
        var labelled: [AcceptanceThreshold.Labelled] = []
        var names: [Int] = []
        var figures = job.template.fields.map { FormCalibration.FieldFigures(name: $0.name) }
        let places = Dictionary(figures.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        var pages = 0, lost = 0
        job.readers.read(job.files[...]) { part, outcomes in
            for (index, outcome) in zip(part.indices, outcomes) {
                pages += 1
                guard case .read(let reading, _) = outcome, reading.registered != nil else {
                    lost += 1
                    continue
                }
                for field in reading.fields {
                    guard let value = truth.value(of: field.name, in: job.names[index]), let place = places[field.name]
                    else { continue }
                    let isWrong = field.best?.text != value
                    figures[place].count += 1
                    if !isWrong { figures[place].right += 1 }
                    labelled.append(
                        .init(
                            probability: field.best?.probability ?? 0, isWrong: isWrong,
                            isCandidate: field.problem == nil))
                    names.append(place)
                }
            }
            options.draw(pages, of: job.files.count)
        }
        guard !labelled.isEmpty else {
            throw InputError(
                self.truth, expected: "values of fields of these pictures", received: "none",
                remedy: "its column file names pictures as \(job.names.first ?? "scan.png")")
        }
        let threshold = AcceptanceThreshold(labelled, options: job.template.acceptance)
        for (field, place) in zip(labelled, names) where field.isCandidate {
            guard let least = threshold.probability, field.probability >= least else { continue }
            figures[place].accepted += 1
            if field.isWrong { figures[place].wrong += 1 }
        }
        let calibration = FormCalibration(
            template: job.templateDigest, model: job.readers.model, options: job.template.acceptance,
            threshold: threshold, pages: pages, unregistered: lost, fields: figures)
        try AtomicFile.write(calibration.json.prettyText, to: URL(fileURLWithPath: output))
        print(calibration)
    }

    private func print(_ calibration: FormCalibration) {
        let rows = calibration.fields.map { field in
            [
                field.name, Console.grouped(field.count), percent(field.right, of: field.count),
                percent(field.accepted, of: field.count), "\(field.wrong)",
            ]
        }
        Swift.print(Console.table([["field", "known", "read right", "accepted", "of them wrong"]] + rows, left: [0]))
        let t = calibration.threshold
        if calibration.unregistered > 0 {
            Swift.print("\(calibration.unregistered) of \(calibration.pages) pictures are no page of the form.")
        }
        if let p = t.probability, let bound = t.bound {
            Swift.print(
                "Accepted from a probability of \(Console.fixed(p, 6)) on: \(percent(t.accepted, of: t.count)) of the fields, "
                    + "\(t.wrong) of them wrong. At most \(Console.fixed(100 * bound, 3)) % are, with "
                    + "\(Console.fixed(100 * calibration.options.level, 1)) % confidence.")
        } else {
            Swift.print("Nothing can be accepted: \(Self.shortage(t, calibration.options))")
        }
    }

    /// Returns why no threshold satisfies the bound.
    static func shortage(_ t: AcceptanceThreshold, _ options: AcceptanceOptions) -> String {
        let error = Console.fixed(100 * options.error, 3)
        return t.count < t.leastCount
            ? "\(Console.grouped(t.count)) fields are known, and an error of at most \(error) % needs \(Console.grouped(t.leastCount)) "
                + "without one mistake, at least."
            : "too many of the surest fields are wrong for an error of at most \(error) %."
    }
}
