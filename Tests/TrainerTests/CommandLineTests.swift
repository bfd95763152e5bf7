import Foundation
import Numeral
import Runs
import Testing

/// The real `trainer`, run as a user runs it.
@Suite(.serialized) struct CommandLineTests {
    struct Outcome {
        var code: Int32
        var output: String
        var errors: String
    }

    static let config = ConfigurationsTests.folder.appendingPathComponent("default.json").path

    /// `trainer` with `arguments` in `folder`, not yet started; a data set is looked for nowhere but where they say. What
    /// it prints goes to the files `stdout` and `stderr` there.
    static func process(_ arguments: [String], in folder: URL) throws -> Process {
        let process = Process()
        // The command is built beside the test bundle.
        process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appendingPathComponent("trainer")
        process.arguments = arguments
        process.currentDirectoryURL = folder
        var environment = ProcessInfo.processInfo.environment
        environment["NUMERAL_DATA"] = nil
        environment["XDG_CACHE_HOME"] = folder.appendingPathComponent("cache").path
        process.environment = environment
        let output = folder.appendingPathComponent("stdout"), errors = folder.appendingPathComponent("stderr")
        for file in [output, errors] { try Data().write(to: file) }
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        return process
    }

    /// What a process of ``process(_:in:)`` that has ended left.
    static func outcome(of process: Process, in folder: URL) throws -> Outcome {
        process.waitUntilExit()
        let output = folder.appendingPathComponent("stdout"), errors = folder.appendingPathComponent("stderr")
        return Outcome(
            code: process.terminationStatus, output: try String(contentsOf: output, encoding: .utf8),
            errors: try String(contentsOf: errors, encoding: .utf8))
    }

    /// Runs `trainer` to its end.
    static func trainer(_ arguments: [String], in folder: URL) throws -> Outcome {
        let process = try process(arguments, in: folder)
        try process.run()
        return try outcome(of: process, in: folder)
    }

    static func temporaryFolder() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("trainer-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    @Test func aRunLeavesItsFolderAndEvaluateRepeatsIt() throws {
        let folder = try Self.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let small = ["--set", "data.source=sample", "--set", "training.epochs=1", "--set", "training.batchSize=250"]
        let trained = try Self.trainer(["--config", Self.config, "--output", "runs"] + small, in: folder)
        #expect(trained.code == 0, "\(trained.errors)")
        #expect(trained.output.contains("BUNDLED SAMPLE") && trained.output.contains("Test accuracy"))
        #expect(trained.errors.contains("3,500 images, 500 for validation"))
        let runs = folder.appendingPathComponent("runs")
        let run = runs.appendingPathComponent(try FileManager.default.contentsOfDirectory(atPath: runs.path)[0])
        let files = Set(try FileManager.default.contentsOfDirectory(atPath: run.path))
        #expect(files == Set(RunFile.ofImages.map(\.rawValue) + ["checkpoints"]))
        let metrics =
            try JSONSerialization.jsonObject(
                with: Data(contentsOf: run.appendingPathComponent("metrics.json"))) as? [String: Any]
        let test = metrics?["test"] as? [String: Any]
        #expect(metrics?["dataSource"] as? String == "sample" && metrics?["epochs"] as? Int == 1)
        #expect(test?["count"] as? Int == 1_000)
        #expect((test?["f1"] as? [String: Any])?["weighted"] != nil)

        let evaluated = try Self.trainer(
            ["evaluate", "--model", run.path, "--output", "again", "--threads", "1", "--quiet"], in: folder)
        #expect(evaluated.code == 0, "\(evaluated.errors)")
        let again = folder.appendingPathComponent("again")
        let second = again.appendingPathComponent(try FileManager.default.contentsOfDirectory(atPath: again.path)[0])
        for name in ["predictions.csv", "confusion_matrix.csv", "precision_recall.csv"] {
            #expect(
                try Data(contentsOf: run.appendingPathComponent(name))
                    == Data(contentsOf: second.appendingPathComponent(name)), "\(name)")
        }
    }

    /// Input that is wrong: one line that names the place, exit code 2, nothing written.
    @Test(arguments: [
        (["--set", "training.optimzer.learningRate=1"], "training.optimzer", "optimizer"),
        (["--set", "training.epochs=0"], "training.epochs", "0"),
        (["--set", "model.layers[0].kernelSize=99"], "model.layers[0] (conv2d_1)", "a window of 99"),
        (["--set", "model.layers[17].units=7"], "model.layers[17] (dense_1)", "10 outputs"),
        (["--set", "data.dataset=fashion-mnist"], "data.source", "sample"),
        (["--threads", "0"], "--threads", "0"),
        (["--thread", "2"], "--thread", "threads"),
        (["--set", "data.source=full", "--data", "truncated"], "train-images-idx3-ubyte.gz", "truncated"),
        (["--set", "data.source=full", "--data", "magic"], "train-images-idx3-ubyte", "magic"),
        (["--output", "others"], "--output once", "twice"),
        (["--set", "training.epochs=2", "--set=training.epochs=3"], "training.epochs once", "--set training.epochs"),
        (["--set", "training.loss.type=focal", "--set", "training.loss={}"], "training.loss once", "loss.type"),
        (["--seed", "4", "--set", "seed=5"], "seed once", "--seed and --set seed"),
        (["--set", "output.directory=others"], "output.directory once", "--output and --set"),
        (["--set", "data.labelColumn=label"], "data.labelColumn", "mnist"),
    ])
    func wrongInputEndsWithTwo(_ arguments: [String], _ place: String, _ received: String) throws {
        let folder = try Self.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try Self.writeDamagedSets(in: folder)
        let outcome = try Self.trainer(
            ["--config", Self.config, "--output", "runs", "--quiet"]
                + (arguments.contains("data.source=full") ? [] : ["--set", "data.source=sample"]) + arguments,
            in: folder)
        #expect(outcome.code == 2)
        let lines = outcome.errors.split(separator: "\n")
        let isUsage = arguments == ["--thread", "2"]
        #expect(lines.count == 1 || isUsage, "\(outcome.errors)")
        #expect(outcome.errors.contains(place) && outcome.errors.lowercased().contains(received), "\(outcome.errors)")
        #expect(outcome.output.isEmpty)
        #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("runs").path))
    }

    /// Two folders that look like MNIST: a gzip file cut short, and an IDX file with another magic number.
    private static func writeDamagedSets(in folder: URL) throws {
        let sample = ConfigurationsTests.folder.deletingLastPathComponent()
            .appendingPathComponent("Sources/Datasets/Resources/sample")
        let images = try Data(contentsOf: sample.appendingPathComponent("images-idx3-ubyte.gz"))
        let labels = try Data(contentsOf: sample.appendingPathComponent("labels-idx1-ubyte.gz"))
        for (name, train) in [
            ("truncated", images.prefix(images.count / 2)), ("magic", Data([0, 0, 13, 3, 0, 0, 0, 1])),
        ] {
            let set = folder.appendingPathComponent(name)
            try FileManager.default.createDirectory(at: set, withIntermediateDirectories: true)
            let suffix = name == "truncated" ? ".gz" : ""
            try train.write(to: set.appendingPathComponent("train-images-idx3-ubyte" + suffix))
            try images.write(to: set.appendingPathComponent("t10k-images-idx3-ubyte.gz"))
            for half in ["train", "t10k"] {
                try labels.write(to: set.appendingPathComponent("\(half)-labels-idx1-ubyte.gz"))
            }
        }
    }

    @Test func aFolderThatCannotBeWrittenEndsWithOne() throws {
        let folder = try Self.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data().write(to: folder.appendingPathComponent("file"))
        let outcome = try Self.trainer(
            ["--config", Self.config, "--set", "data.source=sample", "--output", "file/runs", "--quiet"], in: folder)
        #expect(outcome.code == 1)
        #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
    }

    @Test func inspectShowsTheNetwork() throws {
        let folder = try Self.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let outcome = try Self.trainer(["inspect", "--config", Self.config], in: folder)
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("82,258") && outcome.output.contains("24×24×24"))
    }
}
