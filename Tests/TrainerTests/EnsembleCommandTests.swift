import Foundation
import Numeral
import Testing

/// `trainer evaluate` with several models, views and splits, as a user runs it.
@Suite struct EnsembleCommandTests {
    /// Probabilities by image, and predictions, of a folder's `predictions.csv`.
    private func predictions(_ run: URL) throws -> [[Double]] {
        try String(contentsOf: run.appendingPathComponent("predictions.csv"), encoding: .utf8)
            .split(separator: "\n").dropFirst().map { $0.split(separator: ",").map { Double($0) ?? .nan } }
    }

    private func accuracy(_ rows: [[Double]]) -> Double {
        Double(rows.filter { $0[1] == $0[2] }.count) / Double(rows.count)
    }

    @Test func membersAreAveragedAndShown() throws {
        try SmallRun.with(epochs: 2, everySteps: nil) { small in
            for (index, options) in [["--seed", "1"], ["--seed", "2", "--set", "model.layers[0].filters=5"]]
                .enumerated()
            {
                #expect(try small.trainer(SmallRun.begin("runs\(index)") + options).code == 0)
                let model = try small.path(of: "runs\(index)")
                let alone = try small.trainer(["evaluate", "--model", model, "--output", "alone\(index)"])
                #expect(alone.code == 0, "\(alone.errors)")
            }
            let models = try (0...1).flatMap { ["--model", try small.path(of: "runs\($0)")] }
            let outcome = try small.trainer(["evaluate", "--output", "both"] + models)
            #expect(outcome.code == 0, "\(outcome.errors)")
            let each = try (0...1).map { try predictions(try small.run(in: "alone\($0)")) }
            let both = try predictions(try small.run(in: "both"))
            #expect(both.count == 60 && each[0] != each[1])
            for (row, pair) in zip(both, zip(each[0], each[1])) {
                for column in 3..<6 { #expect(abs(row[column] - (pair.0[column] + pair.1[column]) / 2) < 1e-7) }
                let largest = row[3...].max()
                #expect(row[3...].firstIndex { $0 == largest } == Int(row[2]) + 3)
            }
            let folder = try small.run(in: "both")
            #expect(folder.lastPathComponent.hasPrefix("small-ensemble-"))
            let table = try String(contentsOf: folder.appendingPathComponent("members.csv"), encoding: .utf8)
                .split(separator: "\n").map { $0.split(separator: ",") }
            #expect(table.count == 3 && table[0].prefix(3).elementsEqual(["model", "parameters", "accuracy"]))
            for index in 0...1 {
                #expect(String(table[index + 1][0]) == models[2 * index + 1])
                #expect(Double(table[index + 1][2]) == accuracy(each[index]))
            }
            #expect(outcome.output.contains("Member") && outcome.output.contains("Test accuracy"))
            let metrics = try String(contentsOf: folder.appendingPathComponent("metrics.json"), encoding: .utf8)
            #expect(metrics.contains("\"models\" : 2"))
            let report = try String(contentsOf: folder.appendingPathComponent("report.html"), encoding: .utf8)
            #expect(report.contains("<h2>Members</h2>") && report.contains("2 networks of"))
        }
    }

    /// The training images, of which nine in ten were learned and the others watched.
    private func learned(by model: String) -> [([String], String)] {
        let images = ["--images", "train-images", "--labels", "train-labels"]
        return [(["--model", model] + images, "a model that has not learned the test images")]
    }

    @Test func whatDoesNotFitTogetherIsRefused() throws {
        try SmallRun.with(epochs: 1, everySteps: nil) { small in
            #expect(try small.trainer(SmallRun.begin("a")).code == 0)
            #expect(try small.trainer(SmallRun.begin("b") + ["--seed", "9"]).code == 0)
            // A model of the bundled MNIST: other images, other classes.
            let other = ["--config", CommandLineTests.config, "--output", "c", "--set", "training.epochs=1"]
            let layers = #"model.layers=[{"type": "flatten"}, {"type": "dense", "units": 10}]"#
            #expect(try small.trainer(other + ["--set", "data.source=sample", "--set", layers]).code == 0)
            let (a, b, c) = (try small.path(of: "a"), try small.path(of: "b"), try small.path(of: "c"))
            let refusals: [([String], String)] = [
                (["--model", a, "--model", c], "12×12×1"), (["--model", a, "--model", a], "each model once"),
                (["--model", a, "--model", b, "--robustness"], "--robustness: expected one model"),
                (["--model", a, "--model", b, "--split", "validation"], "told apart"),
                (["--model", a, "--set", "seed=4"], "keys of the section evaluation"),
                (["--model", a, "--set", "evaluation.batchSize=0"], "evaluation.batchSize"),
                (
                    ["--model", a, "--split", "validation", "--images", "test-images", "--labels", "test-labels"],
                    "--split"
                ),
            ]
            for (arguments, word) in refusals + learned(by: a) {
                let outcome = try small.trainer(["evaluate", "--output", "refused"] + arguments)
                #expect(outcome.code == 2 && outcome.errors.contains(word), "\(arguments): \(outcome.errors)")
            }
            #expect(!FileManager.default.fileExists(atPath: small.file("refused").path))
            let asked = learned(by: a)[0].0 + ["--allow-learned", "--output", "asked"]
            let outcome = try small.trainer(["evaluate"] + asked)
            #expect(outcome.code == 0 && outcome.errors.contains("\(a) has learned 270 of 300"), "\(outcome.errors)")
            let metrics = try String(
                contentsOf: small.run(in: "asked").appendingPathComponent("metrics.json"), encoding: .utf8)
            #expect(metrics.contains("has learned 270 of 300 test images (90.0 %)"))
        }
    }

    /// A recipe whose choices are made trains on everything: no validation, no early stopping, the last weights.
    @Test func theWholeTrainingSetIsTrainedOn() throws {
        try SmallRun.with(epochs: 3, everySteps: nil) { small in
            let whole = ["--set", "data.validationFraction=0"]
            let refused = try small.trainer(SmallRun.begin("refused") + whole)
            #expect(refused.code == 2 && refused.errors.contains("data.validationFraction"), "\(refused.errors)")
            let statistics = ["--set", "training.averaging.statisticsImages=100"]
            let trained = try small.trainer(
                SmallRun.begin("runs") + whole + statistics + ["--set", "training.earlyStopping=null"])
            #expect(trained.code == 0 && trained.errors.contains("300 images, 0 for validation"), "\(trained.errors)")
            #expect(trained.errors.contains("kept epoch 3"))
            let run = try small.run(in: "runs")
            let history = try String(contentsOf: run.appendingPathComponent("history.csv"), encoding: .utf8)
                .split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
            #expect(history.count == 4 && history[1...].allSatisfy { $0[4].isEmpty && $0[5].isEmpty })
            let report = try String(contentsOf: run.appendingPathComponent("report.html"), encoding: .utf8)
            #expect(report.contains("none held out for validation"))
            let nothing = try small.trainer([
                "evaluate", "--model", try small.path(of: "runs"), "--split", "validation",
            ])
            #expect(nothing.code == 2 && nothing.errors.contains("validationFraction above 0"), "\(nothing.errors)")
        }
    }

    /// A run's own test looks at the views its configuration asks for; `evaluate` can ask for others.
    @Test func viewsAndTheValidationSplit() throws {
        try SmallRun.with(epochs: 1, everySteps: nil) { small in
            let views = ["--set", "evaluation.testTimeAugmentation.translation=1"]
            let trained = try small.trainer(SmallRun.begin("runs") + views)
            #expect(trained.code == 0 && trained.output.contains("5 views"), "\(trained.errors)")
            let model = try small.path(of: "runs")
            func evaluate(_ output: String, _ options: [String]) throws -> [[Double]] {
                let outcome = try small.trainer(["evaluate", "--model", model, "--output", output] + options)
                #expect(outcome.code == 0, "\(outcome.errors)")
                return try predictions(try small.run(in: output))
            }
            let run = try predictions(try small.run(in: "runs"))
            #expect(try evaluate("same", []) == run)
            let plain = try evaluate("plain", ["--set", "evaluation.testTimeAugmentation=null"])
            #expect(plain != run && plain.count == 60)
            #expect(try evaluate("validation", ["--split", "validation"]).count == 30)
        }
    }
}
