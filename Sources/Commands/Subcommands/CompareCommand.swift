import ArgumentParser
import Formats
import Foundation
import Numeral
import Reports

/// `trainer compare`: compares runs side by side.
struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Compare runs: figures with intervals, pairwise tests, curves, differing configuration keys.",
        discussion: """
            Runs are folders written by train or evaluate. All figures are recomputed from their predictions. Two runs are \
            tested against each other (McNemar) if they were evaluated on the same images; * marks the best figure.
            """)

    @Argument(help: ArgumentHelp("Two or more run folders.", valueName: "run"))
    var runs: [String]

    @Option(help: "Write everything into this folder, with the curves as pictures and tables.")
    var output: String?

    @Option(help: "Write the result to this JSON file.")
    var json: String?

    func run() throws {
        guard runs.count >= 2, runs.count <= RunComparison.runLimit else {
            throw InputError(
                "trainer compare", expected: "2 to \(RunComparison.runLimit) run folders", received: "\(runs.count)")
        }
        let stored = try runs.map { path in try StoredRun.load(path: path) }
        let comparison = try RunComparison(stored, configurations: try stored.map(Self.keys))
        if let json { try comparison.writeJSON(to: URL(fileURLWithPath: json)) }
        if let output { try comparison.write(to: URL(fileURLWithPath: output, isDirectory: true)) }
        print(ComparisonText.text(comparison), terminator: "")
    }

    /// Returns the keys of a run's configuration, except its name and output settings. A key of another version counts
    /// like any other.
    private static func keys(of run: StoredRun) throws -> [(path: String, value: String)] {
        let url = run.folder.url(of: .config)
        return try JSONValue.parse(try run.configurationBytes(), name: url.relativePath).leaves
            .filter { $0.path != "name" && !$0.path.hasPrefix("output.") }
            .map { ($0.path, $0.value.text) }
    }
}
