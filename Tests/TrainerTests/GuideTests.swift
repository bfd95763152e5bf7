import Foundation
import Testing

/// README and guides: what they show is what happens, what they name is there.
@Suite(.serialized) struct GuideTests {
    private static let root = ConfigurationsTests.folder.deletingLastPathComponent()

    private static func guides() throws -> [(name: String, text: String)] {
        let docs = try FileManager.default.contentsOfDirectory(atPath: root.appending(path: "docs").path)
        let names =
            ["README.md", "CONTRIBUTING.md"] + docs.filter { $0.hasSuffix(".md") }.sorted().map { "docs/\($0)" }
        return try names.map { ($0, try String(contentsOf: root.appending(path: $0), encoding: .utf8)) }
    }

    /// The texts between the fences of a language.
    private static func blocks(_ language: String, in text: String) -> [String] {
        text.components(separatedBy: "```\(language)\n").dropFirst().map { $0.components(separatedBy: "\n```")[0] }
    }

    /// A command and, in a `console` block, what it prints.
    private struct Example {
        var guide: String
        var arguments: [String]
        var output: String
    }

    private static func examples() throws -> [Example] {
        try guides().flatMap { guide, text in
            blocks("console", in: text).flatMap { block in
                block.components(separatedBy: "$ trainer ").dropFirst().map { example in
                    let lines = example.components(separatedBy: "\n")
                    return Example(
                        guide: guide, arguments: lines[0].components(separatedBy: " "),
                        output: lines.dropFirst().joined(separator: "\n").trimmingCharacters(in: .newlines))
                }
            }
        }
    }

    @Test func examplesPrintWhatIsShown() throws {
        let examples = try Self.examples()
        #expect(examples.count >= 4)
        let folder = try CommandLineTests.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        for name in ["config", "docs"] {
            try FileManager.default.createSymbolicLink(
                at: folder.appending(path: name), withDestinationURL: Self.root.appending(path: name))
        }
        for example in examples {
            let outcome = try CommandLineTests.trainer(example.arguments, in: folder)
            let printed = (outcome.output + outcome.errors).trimmingCharacters(in: .newlines)
            #expect(printed == example.output, "\(example.guide): trainer \(example.arguments.joined(separator: " "))")
        }
    }

    /// Every `--option` on a line that calls the trainer is one that the command's help names.
    @Test func optionsExist() throws {
        var help: [String: String] = [:]
        let folder = try CommandLineTests.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let commands = try CommandLineTests.trainer(["--help"], in: folder).output
        var found = 0
        for (guide, text) in try Self.guides() {
            let lines = text.replacing("\\\n", with: " ").components(separatedBy: "\n")
            for line in lines where !line.contains(".py ") {
                for call in line.components(separatedBy: "trainer ").dropFirst() {
                    let end = call.firstIndex { "`#|;".contains($0) } ?? call.endIndex
                    let words = call[..<end].components(separatedBy: " ")
                    let command = words.first.flatMap { word in
                        commands.contains("\n  \(word) ") && !word.isEmpty ? word : nil
                    }
                    let sub =
                        ["datasets", "gemm", "forms"].contains(command)
                        ? words.dropFirst().first.flatMap { $0.hasPrefix("-") ? nil : $0 } : nil
                    let standard = ["datasets": "list", "gemm": "measure"]
                    let path = [command ?? "train", sub ?? command.flatMap { standard[$0] }].compactMap { $0 }
                    for word in words where word.hasPrefix("--") {
                        let option = word.prefix { $0 != "=" && $0 != "," && $0 != ")" && $0 != "]" }
                        let key = path.joined(separator: " ")
                        if help[key] == nil {
                            help[key] = try CommandLineTests.trainer(path + ["--help"], in: folder).output
                        }
                        found += 1
                        #expect(help[key]?.contains(option) == true, "\(guide): trainer \(key) \(option)")
                    }
                }
            }
        }
        #expect(found >= 40)
    }

    /// Links between guides, to files and to headings.
    @Test func linksLeadSomewhere() throws {
        let guides = try Self.guides()
        var count = 0
        for (guide, text) in guides {
            let folder = URL(filePath: guide, relativeTo: Self.root).deletingLastPathComponent()
            for part in text.components(separatedBy: "](").dropFirst() {
                let target = part.components(separatedBy: ")")[0]
                guard !target.hasPrefix("http"), target.range(of: #"^[\w./#-]+$"#, options: .regularExpression) != nil
                else { continue }
                let pieces = target.components(separatedBy: "#")
                let file = folder.appending(path: pieces[0])
                count += 1
                #expect(FileManager.default.fileExists(atPath: file.path), "\(guide): \(target)")
                if pieces.count == 2 {
                    let headings = try String(contentsOf: file, encoding: .utf8).components(separatedBy: "\n").filter {
                        $0.hasPrefix("#")
                    }.map {
                        // As GitHub makes them: without punctuation.
                        $0.drop { "# ".contains($0) }.lowercased().filter {
                            $0.isLetter || $0.isNumber || "-_ ".contains($0)
                        }
                        .replacing(" ", with: "-")
                    }
                    #expect(headings.contains(pieces[1]), "\(guide): \(target)")
                }
            }
        }
        #expect(count >= 20)
    }

    @Test func theReadmeIsShort() throws {
        let lines = try #require(try Self.guides().first).text.components(separatedBy: "\n")
        #expect(lines.count <= 200)
    }
}

/// The first words that somebody types.
@Suite(.serialized) struct FirstWordsTests {
    private func call(_ arguments: [String]) throws -> CommandLineTests.Outcome {
        let folder = try CommandLineTests.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        return try CommandLineTests.trainer(arguments, in: folder)
    }

    @Test func aloneItSaysWhatToTry() throws {
        let outcome = try call([])
        #expect(outcome.code == 0 && outcome.errors.isEmpty)
        let tries = outcome.output.components(separatedBy: "\n").filter { $0.hasPrefix("  trainer ") }
        #expect(tries.count == 3)
    }

    @Test(arguments: [
        (["trian", "--config", "x"], "trainer: command: expected one of: train,", "did you mean 'train'?"),
        (
            ["--cofig", "x"], "trainer: train: expected one of its options · received --cofig",
            "did you mean '--config'?"
        ),
        (["evaluate", "--modle=x"], "received --modle", "did you mean '--model'?"),
        (["datasets", "lst"], "trainer: datasets command: expected one of: list,", "did you mean 'list'?"),
        (["gemm", "compre", "a", "b"], "received compre", "did you mean 'compare'?"),
        (["default.json"], "received default.json", "--config default.json"),
        (["predict", "--qqqqqq", "x"], "received --qqqqqq", "trainer predict --help"),
        (["train", "--sed", "3"], "received --sed", "did you mean '--seed'?"),
    ])
    func whatIsMisspeltIsNamed(_ arguments: [String], _ says: String, _ suggests: String) throws {
        let outcome = try call(arguments)
        #expect(outcome.code == 2 && outcome.output.isEmpty)
        #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
        #expect(outcome.errors.contains(says) && outcome.errors.contains(suggests), "\(outcome.errors)")
    }

    @Test(arguments: [
        ["help"], ["help", "predict"], ["--help"], ["datasets", "convert", "--help"], ["--version"], ["datasets"],
    ])
    func whatIsThereIsObeyed(_ arguments: [String]) throws {
        let outcome = try call(arguments)
        #expect(outcome.code == 0 && !outcome.output.isEmpty, "\(outcome.errors)")
    }
}
