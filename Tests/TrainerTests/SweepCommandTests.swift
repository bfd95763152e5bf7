import Foundation
import Numeral
import Plots
import Testing

/// `trainer sweep` and `trainer lr-find`, run as a user runs them.
@Suite(.serialized) struct SweepCommandTests {
    private static let sweep = """
        {
          "name": "rates", "base": "small.json", "seeds": [0, 5],
          "parameters": {
            "training.optimizer.learningRate": [1e-5, 3e-4, 0.003, 0.03],
            "augmentation.rotation": [0, 8]
          },
          "halving": {"factor": 2, "minimumEpochs": 2}
        }
        """

    private static func with(_ body: (SmallRun) throws -> Void) throws {
        try SmallRun.with(epochs: 6) { small in
            try Data(sweep.utf8).write(to: small.file("rates.json"))
            try body(small)
        }
    }

    private struct Results: Decodable, Equatable {
        struct Row: Decodable, Equatable {
            var trial: Int
            var values: [String]
            var epochs: Int
            var accuracy: Figure?
            var loss: Figure?
            var curve: [Double]
        }
        struct Figure: Decodable, Equatable { var mean: Double }
        var rows: [Row]
    }

    private static func results(_ small: SmallRun, _ folder: String) throws -> Results {
        try JSONDecoder().decode(Results.self, from: Data(contentsOf: small.file("\(folder)/rates/results.json")))
    }

    /// Halved as planned; the test images, which are no images here, are never read; the winner's own run repeats its
    /// figures.
    @Test func aSweepFindsAndRepeatsItsBest() throws {
        try Self.with { small in
            let (images, labels) = (small.file("test-images"), small.file("test-labels"))
            let (goodImages, goodLabels) = (try Data(contentsOf: images), try Data(contentsOf: labels))
            try Data("not to be read".utf8).write(to: images)
            try Data("nor this".utf8).write(to: labels)
            let outcome = try small.trainer(["sweep", "--config", "rates.json", "--threads", "2"])
            #expect(outcome.code == 0, "\(outcome.errors)")
            let results = try Self.results(small, "sweeps")
            // 8 trials to epoch 2, 4 to epoch 4, 2 to the end.
            #expect(results.rows.map(\.epochs) == [6, 6, 4, 4, 2, 2, 2, 2])
            #expect(results.rows.map(\.curve.count) == results.rows.map(\.epochs))
            #expect(outcome.errors.contains("Rung 2 of 3: 4 trials to epoch 4"))
            #expect(outcome.output.contains("trainer --config sweeps/rates/best.json"))
            let best = try #require(results.rows.first)
            #expect(best.values[0] != "1e-05" && (best.accuracy?.mean ?? 0) > 0.5)
            let left = try FileManager.default.contentsOfDirectory(atPath: small.file("sweeps/rates/trainings").path)
            #expect(left.filter { $0.hasSuffix(".json") }.count == 16 && !left.contains { $0.hasSuffix(".checkpoint") })
            #expect(!FileManager.default.fileExists(atPath: small.file("sweeps/rates/.lock").path))

            try goodImages.write(to: images)
            try goodLabels.write(to: labels)
            for seed in [0, 5] {
                let run = try small.trainer([
                    "--config", "sweeps/rates/best.json", "--seed", "\(seed)", "--output", "best-\(seed)", "--quiet",
                ])
                #expect(run.code == 0, "\(run.errors)")
            }
            let curves = try [0, 5].map { seed in
                try String(
                    contentsOf: try small.run(in: "best-\(seed)").appendingPathComponent("history.csv"), encoding: .utf8
                ).split(separator: "\n").dropFirst().map { Double($0.split(separator: ",")[5]) ?? .nan }
            }
            #expect(zip(curves[0], curves[1]).map { ($0 + $1) / 2 } == best.curve)
        }
    }

    /// Killed four times, it comes to what a sweep in one piece comes to, and then has nothing left to do.
    @Test func aKilledSweepGoesOn() throws {
        try Self.with { small in
            #expect(try small.trainer(["sweep", "--config", "rates.json", "--output", "whole", "--quiet"]).code == 0)
            let arguments = ["sweep", "--config", "rates.json", "--output", "cut"]
            for kills in 1...4 {
                let process = try CommandLineTests.process(arguments, in: small.folder)
                try process.run()
                let deadline = Date().addingTimeInterval(60)
                while process.isRunning, Date() < deadline {
                    let files =
                        (try? FileManager.default.contentsOfDirectory(
                            atPath: small.file("cut/rates/trainings").path)) ?? []
                    if files.filter({ $0.hasSuffix(".json") }).count >= 3 * kills { break }
                    usleep(500)
                }
                kill(process.processIdentifier, kills % 2 == 0 ? SIGKILL : SIGTERM)
                let outcome = try CommandLineTests.outcome(of: process, in: small.folder)
                if kills % 2 == 1 {
                    #expect(outcome.code == 128 + SIGTERM && outcome.errors.contains("Go on with the same command"))
                }
            }
            let end = try small.trainer(arguments)
            #expect(end.code == 0, "\(end.errors)")
            #expect(try Self.results(small, "cut") == Self.results(small, "whole"))
            let again = try small.trainer(arguments)
            #expect(again.code == 0 && !again.errors.contains("trial 1, seed") && again.output == end.output)
        }
    }

    @Test func wrongSweepsEndWithTwo() throws {
        try Self.with { small in
            let arguments = ["sweep", "--config", "rates.json", "--quiet"]
            #expect(try small.trainer(["sweep", "--config", "none.json"]).code == 2)
            let other = Self.sweep.replacing("0.03]", with: "0.05]")
            try Data(other.replacing("\"minimumEpochs\": 2", with: "\"minimumEpochs\": 7").utf8)
                .write(to: small.file("late.json"))
            let late = try small.trainer(["sweep", "--config", "late.json"])
            #expect(
                late.code == 2 && late.errors.contains("halving.minimumEpochs: expected at most training.epochs, 6"))
            #expect(!FileManager.default.fileExists(atPath: small.file("sweeps").path))
            // Another sweep of the same name is not mixed with what is there.
            try Data(Self.sweep.replacing("[0, 5]", with: "[0]").replacing("[0, 8]", with: "[0]").utf8)
                .write(to: small.file("rates.json"))
            #expect(try small.trainer(arguments).code == 0)
            try Data(other.utf8).write(to: small.file("rates.json"))
            let mixed = try small.trainer(arguments)
            #expect(mixed.code == 2 && mixed.errors.contains("expected the same sweep, to go on with it"))
        }
    }

    @Test func aRangeTestLeavesItsCurve() throws {
        try SmallRun.with(epochs: 3) { small in
            let outcome = try small.trainer([
                "lr-find", "--config", "small.json", "--steps", "120", "--from", "1e-5", "--to", "50", "--output",
                "found",
            ])
            #expect(outcome.code == 0, "\(outcome.errors)")
            #expect(outcome.output.contains("Try --set training.optimizer.learningRate="))
            let run = try small.run(in: "found")
            let csv = try String(contentsOf: run.appendingPathComponent("lr_find.csv"), encoding: .utf8)
            #expect(csv.split(separator: "\n").count > 60)
            #expect(FileManager.default.fileExists(atPath: run.appendingPathComponent("lr_find.svg").path))
            for (option, value) in [("--from", "0"), ("--to", "1e-9"), ("--steps", "3"), ("--smoothing", "1")] {
                let wrong = try small.trainer(["lr-find", "--config", "small.json", option, value])
                #expect(wrong.code == 2 && wrong.errors.contains("trainer: \(option): expected"), "\(wrong.errors)")
            }
        }
    }
}
