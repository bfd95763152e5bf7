import ArgumentParser
import Formats
import Forms
import Foundation
import Numeral
import Recognition
import Tensors

/// `trainer forms`: turns scanned forms into a table whose errors are bounded.
struct FormsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forms", abstract: "Read scanned forms into a table with a bound on its errors.",
        discussion: """
            template proposes a template from a blank form; calibrate chooses the acceptance threshold from forms whose \
            values are known; read reads scans; merge merges what people keyed; learn fine-tunes the network on it.
            """,
        subcommands: [
            FormsTemplateCommand.self, FormsCalibrateCommand.self, FormsReadCommand.self, FormsMergeCommand.self,
            FormsLearnCommand.self,
        ])
}

/// Options common to reading and calibrating.
struct FormsOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The template of the form.", valueName: "file.json"))
    var template: String

    @Option(help: "A run folder or a model file, instead of the bundled networks.")
    var model: String?

    @OptionGroup var common: CommonOptions

    @Argument(help: "The scans, or folders of them.")
    var scans: [String]

    struct Job {
        var template: FormTemplate
        var templateDigest: String
        var readers: PageReaders
        /// The paths of the pictures, and their names in tables.
        var files: [String]
        var names: [String]
        /// What stands beside them in their folders.
        var passedOver: [ScanFiles.PassedOver]
    }

    func makeJob() throws -> Job {
        let form = try FormTemplate.read(template)
        let scans = try ScanFiles(scans) { Console.message(printable("Note: " + $0)) }
        let files = scans.files, names = scans.files.map { URL(fileURLWithPath: $0).lastPathComponent }
        return Job(
            template: form, templateDigest: try Digest.hex([UInt8](form.json.text.utf8)),
            readers: try PageReaders(form, try ReadingNetworks(path: model).completed(), pool: try common.makePool()),
            files: files,
            names: Set(names).count == names.count ? names : files, passedOver: scans.passedOver)
    }

    func draw(_ done: Int, of count: Int) {
        guard !common.quiet, Console.isTerminal else { return }
        ProgressLine(
            head: "Reading", fraction: Double(done) / Double(max(count, 1)),
            parts: [.init(text: "\(Console.grouped(done)) of \(Console.grouped(count)) pictures", rank: 0)]
        ).draw()
        if done == count { ProgressLine.clear() }
    }
}

func percent(_ part: Int, of whole: Int) -> String {
    whole > 0 ? Text.percent(Double(part) / Double(whole)) : "–"
}
