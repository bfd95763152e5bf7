import ArgumentParser
import Formats
import Forms
import Foundation
import Numeral
import Runs
import Tensors

/// `trainer forms merge`.
struct FormsMergeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge", abstract: "Merge what people keyed in a review, and rewrite the tables.")

    @Argument(help: "The folder of results.")
    var folder: String

    @Argument(help: "The files that the review saved.")
    var answers: [String]

    func run() throws {
        let folder = FormsFolder(folder)
        let lock = try FolderLock(folder.url)
        defer { lock.release() }
        try Self.merge(answers, into: folder)
        try FormsReadCommand.finish(folder)
    }

    /// Stores each person's answers in one file, where later answers replace earlier ones.
    private static func merge(_ paths: [String], into folder: FormsFolder) throws {
        let (job, template) = try folder.load()
        var fields: Set<String> = []
        try folder.forEachPage { page in
            for field in template.fields { fields.insert(ReviewAnswers.key(page.file, field.name)) }
        }
        let checker = AnswerChecker(template)
        for path in paths {
            let new = try ReviewAnswers.read(path)
            guard new.job == (try job.digest) else {
                throw InputError(path, expected: "answers to this reading", received: "those to another")
            }
            for (key, answer) in new.answers.sorted(by: { $0.key < $1.key }) {
                let place = "\(path): \(key.replacing("\t", with: ", "))"
                guard fields.contains(key) else {
                    throw InputError(place, expected: "a field of this reading", received: "another")
                }
                try checker.check(answer, key: key, place: place)
            }
            let url = folder.answers.appendingPathComponent(new.person + ".json")
            var whole = new
            if FileManager.default.fileExists(atPath: url.path) {
                whole.answers = try ReviewAnswers.read(url.path).answers.merging(new.answers) { $1 }
            }
            try AtomicFile.write(whole.json.prettyText, to: url)
        }
    }
}
