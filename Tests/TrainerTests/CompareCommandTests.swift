import Foundation
import Numeral
import Runs
import Testing

/// `trainer compare` and `trainer evaluate` in all its ways, run as a user runs them.
extension CommandLineTests {
    private static let sampleFolder = ConfigurationsTests.folder.deletingLastPathComponent()
        .appendingPathComponent("Sources/Datasets/Resources/sample").path

    /// One epoch of a narrow network on the sample.
    private static func train(_ name: String, _ arguments: [String] = [], in folder: URL) throws -> String {
        let narrow = ["0", "4", "7", "11"].flatMap { ["--set", "model.layers[\($0)].filters=8"] }
        let outcome = try trainer(
            [
                "--config", config, "--output", name, "--quiet", "--set", "data.source=sample", "--set",
                "training.epochs=1",
            ]
                + narrow + arguments, in: folder)
        #expect(outcome.code == 0, "\(outcome.errors)")
        return try only(name, in: folder)
    }

    /// The one folder in `name`, as `name/folder`.
    private static func only(_ name: String, in folder: URL) throws -> String {
        let found = try FileManager.default.contentsOfDirectory(
            atPath: folder.appendingPathComponent(name).path)
        #expect(found.count == 1)
        return "\(name)/\(try #require(found.first))"
    }

    @Test func runsAreCompared() throws {
        let folder = try Self.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let first = try Self.train("a", in: folder)
        let second = try Self.train("b", ["--set", "augmentation.rotation=0", "--seed", "3"], in: folder)
        // What training leaves for those who follow it.
        let lines = try String(
            contentsOf: folder.appendingPathComponent("\(first)/events.jsonl"), encoding: .utf8
        ).split(separator: "\n")
        // 3,500 images by 128 are 28 steps.
        #expect(lines.count == 1 + 28 + 1 + 1 && lines[30].hasPrefix("{\"event\":\"ended\""))
        for (name, run, threads) in [("ra", first, "1"), ("rb", first, "2"), ("rc", second, "2")] {
            let outcome = try Self.trainer(
                ["evaluate", "--model", run, "--robustness", "--threads", threads, "--output", name], in: folder)
            #expect(outcome.code == 0 && outcome.output.contains("Accuracy under corruption"), "\(outcome.errors)")
        }
        let evaluations = try ["ra", "rb", "rc"].map { try Self.only($0, in: folder) }
        let records = try evaluations.map {
            try Data(contentsOf: folder.appendingPathComponent("\($0)/robustness.json"))
        }
        #expect(records[0] == records[1] && records[0] != records[2])
        let metrics = try JSONDecoder().decode(
            MetricsRecord.self, from: Data(contentsOf: folder.appendingPathComponent("\(first)/metrics.json")))
        let robustness = try RobustnessRecord.load(
            folder.appendingPathComponent("\(evaluations[0])/robustness.json"))
        #expect(robustness.curves.count == 18 && robustness.count == 1_000)
        #expect(robustness.curves.allSatisfy { $0.levels[0].accuracy == metrics.test.accuracy })

        // A run, its own evaluation, and another's.
        let outcome = try Self.trainer(
            ["compare", first, evaluations[0], evaluations[2], second, "--json", "c.json", "--output", "out"],
            in: folder)
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
        #expect(outcome.output.contains("augmentation.rotation: A,B 10 · C,D 0"))
        #expect(outcome.output.contains("seed: A,B 0 · C,D 3"))
        struct Result: Decodable {
            struct Pair: Decodable {
                var first, second: String
                var onlyFirst, onlySecond: Int?
                var pValue: Double?
            }
            var pairs: [Pair]
        }
        let result = try JSONDecoder().decode(
            Result.self, from: Data(contentsOf: folder.appendingPathComponent("c.json")))
        #expect(result.pairs.count == 6 && result.pairs.allSatisfy { $0.pValue != nil })
        // A model does not differ from itself.
        #expect(result.pairs[0].onlyFirst == 0 && result.pairs[0].onlySecond == 0 && result.pairs[0].pValue == 1)
        #expect(result.pairs[1].pValue ?? 1 < 1)
        let written = try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("out").path)
        #expect(Set(["robustness.svg", "learning_curves.svg", "curves.svg", "mcnemar.csv"]).isSubset(of: written))
    }

    @Test func evaluateTakesFilesByPath() throws {
        let folder = try Self.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let run = try Self.train(
            "a", ["--set", "output.events=false", "--set", "output.tensorBoard=false"], in: folder)
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent(run).path)
        #expect(!left.contains { $0.hasPrefix("events") })
        let images = "\(Self.sampleFolder)/images-idx3-ubyte.gz", labels = "\(Self.sampleFolder)/labels-idx1-ubyte.gz"
        let outcome = try Self.trainer(
            ["evaluate", "--model", run, "--images", images, "--labels", labels, "--output", "e", "--allow-learned"],
            in: folder)
        #expect(outcome.code == 0 && outcome.output.contains("of 5,000"), "\(outcome.errors)")
        #expect(outcome.errors.contains("has learned 3,500 of 5,000 test images (70.0 %)"))
        // The sample's last 1,000 images are the run's own test set.
        func rows(_ run: String) throws -> [Substring] {
            try String(contentsOf: folder.appendingPathComponent("\(run)/predictions.csv"), encoding: .utf8)
                .split(separator: "\n").map { $0.drop { $0 != "," } }
        }
        #expect(try rows(Self.only("e", in: folder)).suffix(1_000) == rows(run).suffix(1_000))

        // Other shapes and classes.
        try Data([0, 0, 8, 1, 0, 0, 0, 2, 3, 12]).write(to: folder.appendingPathComponent("two-labels"))
        try Data([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28] + [UInt8](repeating: 7, count: 2 * 784))
            .write(to: folder.appendingPathComponent("two-images"))
        try Data([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3] + [UInt8](repeating: 7, count: 12))
            .write(to: folder.appendingPathComponent("small-images"))
        try Data([0, 0, 8, 1, 0, 0, 0, 2, 3, 1]).write(to: folder.appendingPathComponent("good-labels"))
        for (arguments, says) in [
            (
                ["--images", "two-images", "--labels", "two-labels"],
                "two-labels: expected labels in 0...9 · received 12"
            ),
            (["--images", "small-images", "--labels", "good-labels"], "2×3×1 · received 28×28×1"),
            (["--images", images, "--labels", "good-labels"], "good-labels: expected 5000 labels, as "),
            (["--images", images, "--labels", images], "expected labels [N] · received the shape"),
            (["--images", images], "--labels: expected a file"),
            (["--images", images, "--labels", labels, "--dataset", "mnist"], "--dataset: expected nothing beside"),
            (["--images", "none", "--labels", labels], "none"),
        ] {
            let outcome = try Self.trainer(
                ["evaluate", "--model", run, "--output", "x", "--quiet"] + arguments, in: folder)
            #expect(outcome.code == 2 && outcome.errors.contains(says), "\(outcome.errors)")
            #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("x").path))
        }
    }

    @Test(arguments: [
        (["compare", "one"], "2 to 26"), (["compare", "none", "none"], "none: expected the folder of a run"),
        (["compare", "file", "file"], "file: expected the folder of a run · received a file"),
        (["compare", ".", "."], "metrics.json"), (["evaluate", "--model", "none"], "none"),
    ])
    func wrongComparingEndsWithTwo(_ arguments: [String], _ says: String) throws {
        let folder = try Self.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data().write(to: folder.appendingPathComponent("file"))
        let outcome = try Self.trainer(arguments, in: folder)
        #expect(outcome.code == 2 && outcome.output.isEmpty)
        #expect(outcome.errors.contains(says) && outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
    }
}
