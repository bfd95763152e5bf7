import ArgumentParser
import Formats
import Forms
import Foundation
import Pictures
import Tensors

/// `trainer forms template`.
struct FormsTemplateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "template", abstract: "Propose a template from a blank form's boxes and lines.",
        discussion: """
            Every row of boxes becomes a field of digits, small boxes become choices, long lines fields to write on. Name the \
            fields, take out what is none, and add their checks: template.schema.json, written beside it, completes the keys \
            in an editor.
            """)

    @Argument(help: "The blank form, upright: a scan or a picture; several for several pages.")
    var blanks: [String]

    @Option(help: ArgumentHelp("The template.", valueName: "file.json"))
    var output: String

    func run() throws {
        let url = URL(fileURLWithPath: output)
        guard !FileManager.default.fileExists(atPath: url.path) else {
            throw InputError(
                output, expected: "a new file", received: "one that exists", remedy: "name another, or remove it")
        }
        let pages = try blanks.map { path in (path, try ImageDecoder.read(path)) }
        let name = url.deletingPathExtension().lastPathComponent
        let template = try TemplateProposal.template(pages, name: name)
        try AtomicFile.write(template.json.prettyText, to: url)
        try AtomicFile.write(
            FormTemplate.schema.prettyText,
            to: url.deletingLastPathComponent().appendingPathComponent("template.schema.json"))
        for (number, page) in template.pages.enumerated() {
            print(
                "page \(number + 1): \(page.fields.count) fields, \(page.lines.count) printed lines, \(page.marks.count) marks"
            )
        }
        print("\(output): name the fields and add their checks")
    }
}
