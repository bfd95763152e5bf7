import Evaluation
import Formats
import Foundation
import Tensors
import Testing

@testable import Reports
@testable import Runs
@testable import Training

@Suite struct ComparisonTests {
    /// A run's folder as training leaves it.
    private func write(
        _ name: String, in folder: URL, strength: Double = 4, seed: UInt64 = 7, epochs: Int = 3, classes: Int = 4,
        robustness: RobustnessRecord? = nil, digest: String? = nil
    ) throws -> String {
        let run = RunFolder(folder.appendingPathComponent(name))
        try RunFolder.createFolders(run.url)
        let evaluation = try Samples.evaluation(classes: classes, samples: 300, strength: strength, seed: seed)
        let history = epochs > 0 ? Samples.history(epochs: epochs, best: epochs) : nil
        if let history { try run.write(history: history) }
        try run.write(evaluation: evaluation)
        var metrics = Samples.metrics(evaluation, history)
        metrics.imagesDigest = digest
        try run.write(metrics: metrics)
        if let robustness { try run.write(robustness: robustness) }
        return run.url.path
    }

    private func compare(
        _ paths: [String], _ configurations: [[(path: String, value: String)]]? = nil
    ) throws -> RunComparison {
        try RunComparison(
            paths.map { try StoredRun.load(path: $0) }, configurations: configurations ?? paths.map { _ in [] })
    }

    /// Two networks on the same samples: what the folders give is what the predictions themselves give.
    @Test func runsOnOneTestSetAreTested() throws {
        try Samples.withFolder { folder in
            // The same seed gives the same labels; other strengths other predictions.
            let paths = [
                try write("weak", in: folder, strength: 2), try write("strong", in: folder, strength: 6),
                try write("none", in: folder, strength: 0, epochs: 0),
            ]
            let comparison = try compare(paths)
            let evaluations = try [2.0, 6, 0].map { try Samples.evaluation(classes: 4, samples: 300, strength: $0) }
            for (i, evaluation) in evaluations.enumerated() {
                #expect(comparison.figure(.accuracy, of: i)?.value == evaluation.report.accuracy)
                #expect(comparison.figure(.logLoss, of: i)?.value == evaluation.logLoss)
            }
            #expect(comparison.pairs.map { [$0.first, $0.second] } == [[0, 1], [0, 2], [1, 2]])
            var pValues: [Double] = []
            var adjusted: [Double] = []
            for pair in comparison.pairs {
                guard case .tested(let test, let p) = pair.outcome else {
                    Issue.record("not tested")
                    continue
                }
                #expect(test == McNemar(evaluations[pair.first].predictions, evaluations[pair.second].predictions))
                pValues.append(test.pValue)
                adjusted.append(p)
            }
            #expect(adjusted == McNemar.holm(pValues) && pValues[0] < 1e-6)
            #expect(comparison.runs[2].history == nil && comparison.runs[0].history?.count == 3)
            #expect(
                comparison.runs[0].history?.last?.trainingLoss
                    == Samples.history(epochs: 3, best: 3).epochs[2].trainingLoss)
        }
    }

    @Test func otherSamplesAreNotTested() throws {
        try Samples.withFolder { folder in
            let comparison = try compare([
                try write("a", in: folder), try write("b", in: folder, seed: 8), try write("c", in: folder, classes: 5),
            ])
            for pair in comparison.pairs {
                guard case .differentSamples = pair.outcome else {
                    Issue.record("\(pair) was tested")
                    continue
                }
            }
            #expect(ComparisonText.text(comparison).contains("A, B: not tested, tested on other images"))
            // Alike in number and labels, but other images.
            let alike = try compare([
                try write("d", in: folder, digest: "1"), try write("e", in: folder, digest: "1"),
                try write("f", in: folder, digest: "2"),
            ])
            #expect(
                alike.pairs.map { if case .differentSamples = $0.outcome { true } else { false } }
                    == [false, true, true])
        }
    }

    @Test func onlyDifferingKeysAreListed() throws {
        try Samples.withFolder { folder in
            let path = try write("a", in: folder)
            let comparison = try compare(
                [path, path, path],
                [
                    [("seed", "1"), ("rate", "0.1"), ("layers[1].units", "10")],
                    [("seed", "1"), ("rate", "0.2"), ("layers[1].units", "10"), ("extra", "true")],
                    [("seed", "1"), ("rate", "0.1")],
                ])
            #expect(
                comparison.settings == [
                    .init(path: "rate", values: ["0.1", "0.2", "0.1"]),
                    .init(path: "layers[1].units", values: ["10", "10", nil]),
                    .init(path: "extra", values: [nil, "true", nil]),
                ])
            let text = ComparisonText.text(comparison)
            #expect(text.contains("rate: A,C 0.1 · B 0.2") && !text.contains("seed"))
        }
    }

    /// With long names, hostile ones and many runs no line passes 80 columns, and every file is well formed.
    @Test func everyFileIsWrittenAndFits() throws {
        try Samples.withFolder { folder in
            var paths: [String] = []
            for i in 0..<9 {
                paths.append(
                    try write(
                        "run \(i) \u{1B}[31m<b>" + String(repeating: "long ", count: 20), in: folder,
                        strength: Double(i), seed: i == 4 ? 9 : 7, epochs: 2 * i,
                        robustness: i < 8 ? RobustnessRecordTests.record(i) : nil))
            }
            let long = String(repeating: "[1, 2, 3]", count: 40)
            let comparison = try compare(
                paths, paths.indices.map { [("key.\(String(repeating: "a", count: 80))", long + "\($0)")] })
            let text = ComparisonText.text(comparison)
            for line in text.split(separator: "\n") { #expect(Text.columns(String(line)) <= 80, "\(line)") }
            #expect(!text.contains("\u{1B}"))
            let output = folder.appendingPathComponent("out/here")
            try comparison.write(to: output)
            let names = [
                "comparison.json", "comparison.txt", "configuration.csv", "curves.csv", "curves.svg", "figures.csv",
                "learning_curves.csv", "learning_curves.svg", "mcnemar.csv", "robustness.csv", "robustness.svg",
            ]
            #expect(try FileManager.default.contentsOfDirectory(atPath: output.path).sorted() == names)
            for name in names where name.hasSuffix(".svg") {
                try wellFormed(Data(contentsOf: output.appendingPathComponent(name)))
            }
            let json = try JSONSerialization.jsonObject(
                with: Data(contentsOf: output.appendingPathComponent("comparison.json")))
            let object = try #require(json as? [String: Any])
            #expect((object["runs"] as? [Any])?.count == 9 && (object["pairs"] as? [Any])?.count == 36)
            let curves = parseCSV(
                try String(contentsOf: output.appendingPathComponent("learning_curves.csv"), encoding: .utf8))
            #expect(curves.count == 1 + (0..<9).reduce(0) { $0 + 2 * $1 })
        }
    }

    @Test func twoToTwentySixRuns() throws {
        try Samples.withFolder { folder in
            let run = try StoredRun.load(path: try write("a", in: folder))
            for count in [0, 1, 27] {
                #expect(throws: InputError.self) {
                    try RunComparison(
                        [StoredRun](repeating: run, count: count),
                        configurations: [[(path: String, value: String)]](repeating: [], count: count))
                }
            }
        }
    }
}

/// Folders that are no runs, or whose files are damaged, foreign or hostile.
@Suite struct StoredRunTests {
    private func run(_ folder: URL) throws -> RunFolder {
        let run = RunFolder(folder)
        let evaluation = try Samples.evaluation(classes: 3, samples: 20)
        try run.write(history: Samples.history(epochs: 3, best: 2))
        try run.write(evaluation: evaluation)
        try run.write(metrics: Samples.metrics(evaluation, nil))
        try run.write(environment: Samples.environment)
        return run
    }

    private func message(_ folder: URL) -> String {
        let error = #expect(throws: InputError.self) { try StoredRun.load(path: folder.path) }
        return error?.description ?? ""
    }

    @Test func aSoundOneIsRead() throws {
        try Samples.withFolder { folder in
            _ = try run(folder)
            let stored = try StoredRun.load(path: folder.path)
            #expect(stored.evaluation == (try Samples.evaluation(classes: 3, samples: 20)))
            #expect(stored.metrics.imagesDigest == nil && stored.robustness == nil)
        }
    }

    @Test(arguments: [
        (RunFile.predictions, ",", ";", "predictions.csv:2: expected 5 fields · received 6"),
        (.predictions, "index", "Index", "predictions.csv:1"),
        (.predictions, "\n1,", "\n2,", "predictions.csv:3: index: expected 1"),
        (.predictions, "\n1,", "\n1,3", "labels[1]: expected a class in 0...2"),
        (.predictions, "\n1,", "\n1,0.5", "predictions.csv:3: label: expected a whole number"),
        (.predictions, "\n1,", "\n1e400,", "predictions.csv:3: index"),
        (.predictions, "\n1,", "\n1\u{1B}[2J,", "expected a number · received '1?[2J'"),
        (.predictions, ",0.", ",nan0.", "expected a number"), (.predictions, ",0.", ",7.", "[0, 1]"),
        (.predictions, "\n1,", "\n1,,", "expected 6 fields · received 7"),
        (.history, "trainingLoss", "loss", "a column trainingLoss"),
        (.history, "\n2,", "\n3,", "history.csv:3: epoch: expected 2 · received 3"),
        (.metrics, "\"parameters\"", "\"parameter\"", "metrics.json: parameters"),
        (.metrics, "\"count\" : 20", "\"count\" : 21", "the accuracy of predictions.csv"),
        (.metrics, "\"count\" : 20", "\"count\" : \"20\"", "metrics.json: test.count"),
        (.metrics, "\"sample\"", "\"moon\"", "metrics.json: dataSource"),
        (.metrics, "{", "[", "not JSON"),
    ])
    func damageIsNamed(file: RunFile, from: String, to: String, says: String) throws {
        try Samples.withFolder { folder in
            let url = try run(folder).url(of: file)
            let text = try String(contentsOf: url, encoding: .utf8)
            let range = try #require(text.range(of: from))
            try AtomicFile.write(text.replacingCharacters(in: range, with: to), to: url)
            let found = message(folder)
            #expect(found.contains(says), "\(found)")
            #expect(!found.contains("\u{1B}") && !found.contains("\n"))
        }
    }

    /// No part of a file is taken for the whole: every cut of a small table is noticed.
    @Test func everyTruncationIsNoticed() throws {
        try Samples.withFolder { folder in
            let url = try run(folder).url(of: .predictions)
            let bytes = try Data(contentsOf: url)
            for count in stride(from: 0, to: bytes.count, by: 7) {
                try AtomicFile.write(bytes.prefix(count), to: url)
                #expect(throws: InputError.self) { try StoredRun.load(path: folder.path) }
            }
        }
    }

    @Test func whatIsNoFolderOfARun() throws {
        try Samples.withFolder { folder in
            #expect(message(folder).contains("metrics.json: expected the figures of a finished run"))
            #expect(message(folder.appendingPathComponent("none")).contains("nothing there"))
            let file = folder.appendingPathComponent("file")
            try AtomicFile.write("x", to: file)
            #expect(message(file).contains("received a file"))
            _ = try run(folder)
            let predictions = folder.appendingPathComponent("predictions.csv")
            try FileManager.default.removeItem(at: predictions)
            #expect(
                message(folder).contains("predictions.csv: expected a file that can be read · received no such file"))
            // A pipe that nobody writes to must not be waited for.
            #expect(mkfifo(predictions.path, 0o600) == 0)
            #expect(message(folder).contains("a folder, a pipe or a device"))
            unlink(predictions.path)
            try FileManager.default.createDirectory(at: predictions, withIntermediateDirectories: false)
            #expect(message(folder).contains("a folder, a pipe or a device"))
        }
    }
}
