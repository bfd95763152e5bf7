import Foundation
import Numeral
import Reports
import Runs
import Testing

/// `trainer train --folds`, through the real command.
@Suite(.serialized) struct FoldsCommandTests {
    private func folds(_ small: SmallRun, _ output: String, _ more: [String] = []) throws -> CommandLineTests.Outcome {
        try small.trainer(["--config", "small.json", "--folds", "3", "--output", output, "--quiet"] + more)
    }

    private func run(_ number: Int, _ output: String, in small: SmallRun) throws -> URL {
        let parent = small.folder.appendingPathComponent("\(output)/small-3-folds")
        let names = try FileManager.default.contentsOfDirectory(atPath: parent.path)
        guard let name = names.first(where: { $0.hasPrefix("fold-\(number)-") }) else {
            throw CocoaError(.fileNoSuchFile)
        }
        return parent.appendingPathComponent(name)
    }

    private func bytes(_ folder: URL, _ name: String) throws -> Data {
        try Data(contentsOf: folder.appendingPathComponent(name))
    }

    @Test func everyImageIsJudgedOnceByANetworkThatDidNotLearnFromIt() throws {
        try SmallRun.with(epochs: 2) { small in
            let outcome = try folds(small, "a", ["--threads", "2"])
            #expect(outcome.code == 0, "\(outcome.errors)")
            #expect(outcome.output.contains("mean") && outcome.output.contains("of 300)"))
            let whole = try StoredRun.load(path: small.folder.appendingPathComponent("a/small-3-folds").path)
            let labels = (0..<300).map { $0 % 3 }
            #expect(whole.evaluation.predictions.labels == labels)
            // Together they are the parts, each in its place.
            let places = StratifiedSplit.folds(of: labels.map { UInt8($0) }, count: 3, seed: 3)
            for number in 1...3 {
                let part = try StoredRun.load(path: run(number, "a", in: small).path).evaluation.predictions
                #expect(part.count == 100)
                for (row, image) in places[number - 1].enumerated() {
                    #expect(
                        part.probabilities[row * 3..<row * 3 + 3]
                            == whole.evaluation.predictions.probabilities[image * 3..<image * 3 + 3])
                }
            }
            let folder = try small.trainer(["evaluate", "--model", "a/small-3-folds", "--output", "whole"])
            #expect(folder.code == 2 && folder.errors.contains("a cross-validation"), "\(folder.errors)")
            // Another part's network has learned all of them but those that it watched.
            let parts = try (1...2).flatMap { ["--model", try run($0, "a", in: small).path] }
            #expect(try small.trainer(["evaluate", "--output", "one"] + parts[..<2]).code == 0)
            let both = try small.trainer(["evaluate", "--output", "both"] + parts)
            #expect(
                both.code == 2 && both.errors.contains("\(parts[3]), which has learned 86 of 100"), "\(both.errors)")
            // Each part is a run like any other: its configuration trains it again.
            let second = try run(2, "a", in: small)
            let again = try small.trainer(
                ["--config", second.appendingPathComponent("config.json").path, "--output", "b", "--quiet"])
            #expect(again.code == 0, "\(again.errors)")
            let repeated = try small.run(in: "b")
            for name in ["model.safetensors", "predictions.csv"] {
                #expect(try bytes(try #require(repeated), name) == bytes(second, name), "\(name)")
            }
        }
    }

    @Test func interruptedItGoesOnToTheSameBytes() throws {
        try SmallRun.with(epochs: 12) { small in
            #expect(try folds(small, "whole").code == 0)
            let process = try small.start(
                ["--config", "small.json", "--folds", "3", "--output", "cut", "--quiet"],
                until: { _ in
                    guard let second = try? run(2, "cut", in: small) else { return false }
                    return !SmallRun.checkpoints(second).isEmpty
                }, output: "cut")
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            let outcome = try folds(small, "cut")
            #expect(outcome.code == 0, "\(outcome.errors)")
            for name in ["predictions.csv", "confusion_matrix.csv"] {
                #expect(
                    try bytes(small.folder.appendingPathComponent("whole/small-3-folds"), name)
                        == bytes(small.folder.appendingPathComponent("cut/small-3-folds"), name))
            }
            for number in 1...3 {
                #expect(
                    try bytes(run(number, "whole", in: small), "model.safetensors")
                        == bytes(run(number, "cut", in: small), "model.safetensors"))
            }
            // Another configuration is not mixed with it.
            let other = try folds(small, "cut", ["--set", "training.epochs=3"])
            #expect(other.code == 2 && other.errors.contains("training.epochs 3 instead of 12"), "\(other.errors)")
        }
    }

    @Test func partsOfOtherImagesAreNotPutTogether() throws {
        try SmallRun.with(epochs: 1) { small in
            #expect(try folds(small, "a").code == 0)
            // The same labels under other pixels.
            try small.writeData(seed: 2)
            let outcome = try folds(small, "a")
            #expect(outcome.code == 2 && outcome.errors.contains("the data have changed"), "\(outcome.errors)")
        }
    }

    @Test func whatCannotBeIsRefused() throws {
        try SmallRun.with(epochs: 1) { small in
            for (arguments, message) in [
                (["--folds", "1"], "--folds: expected an integer in 2…100 · received 1"),
                (["--folds", "101"], "--folds: expected an integer in 2…100 · received 101"),
                (["--folds", "3", "--resume", "x"], "--folds does not go with --resume"),
            ] {
                let outcome = try small.trainer(["--config", "small.json"] + arguments)
                #expect(outcome.code == 2 && outcome.errors.contains(message), "\(outcome.errors)")
            }
        }
    }
}
