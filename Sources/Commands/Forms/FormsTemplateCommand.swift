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
            Each row of boxes becomes a field of digits, small boxes become choices, and long lines become fields to write \
            on. Name the fields, remove those that are none, and add their checks; template.schema.json, written beside \
            it, lets an editor complete the keys.
            """)

    @Argument(help: "The blank form, upright, as a scan or a photograph; one file for each page.")
    var blanks: [String]

    @Option(help: ArgumentHelp("The template file to write.", valueName: "file.json"))
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
