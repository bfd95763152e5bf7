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
            --truth is a table with the columns file, field and value, such as the audit.csv of forms that people keyed. Each \
            row names one of the scans and a field of the template; copies of a scan are refused. The template (acceptance) \
            sets the error rate allowed and the confidence level of the bound.
            """)

    @OptionGroup var options: FormsOptions

    @Option(help: ArgumentHelp("The true values of the fields.", valueName: "file.csv"))
    var truth: String

    @Option(help: ArgumentHelp("The calibration file to write.", valueName: "file.json"))
    var output: String

    func run() throws {
        let job = try options.makeJob()
        let path = truth
        let truth = try TruthTable(path, fields: job.template.fields, scans: job.names)
        if let other = truth.others.min() {
            Console.message(
                "Note: \(truth.others.count) of the pictures that \(printable(path)) names are not among the scans, such as "
                    + printable(other))
        }
        try ScanFiles.requireDistinct(zip(job.files, job.names).filter { truth.files.contains($1) }.map(\.0))
        var labelled: [FormCalibration.LabelledField] = []
        let names = job.template.fields.map(\.name)
        let places = Dictionary(names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
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
                    let label = AcceptanceThreshold.Labelled(
                        probability: field.best?.probability ?? 0, isWrong: field.best?.text != value,
                        isCandidate: field.problem == nil)
                    labelled.append(.init(place: place, label: label))
                }
            }
            options.draw(pages, of: job.files.count)
        }
        guard !labelled.isEmpty else {
            throw InputError(
                self.truth, expected: "values of fields of these pictures", received: "none",
                remedy: "its column file names pictures as \(job.names.first ?? "scan.png")")
        }
        let calibration = FormCalibration(
            template: job.templateDigest, model: job.readers.model, options: job.template.acceptance, pages: pages,
            unregistered: lost, names: names, labelled: labelled)
        try AtomicFile.write(calibration.json.prettyText, to: URL(fileURLWithPath: output))
        show(calibration)
    }

    private func show(_ calibration: FormCalibration) {
        let isPerField = calibration.options.per == .field
        let rows = calibration.fields.map { field in
            [
                field.name, Console.grouped(field.count), percent(field.right, of: field.count),
                percent(field.accepted, of: field.count), "\(field.wrong)",
            ] + (isPerField ? [field.threshold?.bound.map { "\(Console.fixed(100 * $0, 3)) %" } ?? "none"] : [])
        }
        let head = ["field", "known", "read right", "accepted", "of them wrong"] + (isPerField ? ["at most"] : [])
        print(Console.table([head] + rows, left: [0]))
        if calibration.unregistered > 0 {
            print("\(calibration.unregistered) of \(calibration.pages) pictures are no page of the form.")
        }
        if let p = calibration.threshold.probability {
            print("Accepted from a probability of \(Console.fixed(p, 6)) on.")
        }
        print(Self.bound(calibration))
    }

    /// Returns what is known of the errors of accepted fields, in a sentence for each case.
    static func bound(_ known: FormCalibration) -> String {
        let level = "\(Console.fixed(100 * known.options.level, 1)) % confidence", t = known.threshold
        guard known.options.per == .field else {
            guard let bound = t.bound else { return "No bound: \(shortage(t, known.options))" }
            return
                "Of the accepted fields at most \(Console.fixed(100 * bound, 3)) % are wrong, with \(level): \(t.wrong) of "
                + "\(Console.grouped(t.accepted)) were among \(Console.grouped(t.count)) fields whose values are known. "
                + "That holds for forms like those."
        }
        let without = known.fields.filter { $0.threshold?.probability == nil }
        var lines: [String] = []
        if without.count < known.fields.count {
            lines.append(
                "Of each field's accepted values at most \(Console.fixed(100 * known.options.error, 3)) % are wrong, each with \(level): "
                    + "\(t.wrong) of \(Console.grouped(t.accepted)) were among \(Console.grouped(t.count)) whose values are known. "
                    + "That holds for forms like those.")
        }
        for field in without {
            lines.append("\(field.name): no bound. \(field.threshold.map { shortage($0, known.options) } ?? "")")
        }
        return lines.joined(separator: "\n")
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
