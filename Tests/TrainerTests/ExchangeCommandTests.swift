import Foundation
import Numeral
import Testing

/// `trainer export` and `trainer import`, as a user runs them.
@Suite(.serialized) struct ExchangeCommandTests {
    /// An untrained model of the default configuration, and a run folder with it and its figures.
    private static func makeRun(in folder: URL) throws -> SavedModel {
        let experiment = try ExperimentFile.load(path: CommandLineTests.config).completed()
        let graph = try ResolvedGraph(experiment.model)
        let model = SavedModel(
            experiment: experiment, graph: graph, classNames: (0..<10).map(String.init), normalization: nil,
            parameters: try graph.initialParameters(seed: 1), state: graph.initialState())
        let run = folder.appendingPathComponent("run")
        try FileManager.default.createDirectory(at: run, withIntermediateDirectories: true)
        try model.encoded().write(to: run.appendingPathComponent("model.safetensors"))
        let metrics = #"{"dataset": "mnist", "dataSource": "full", "test": {"accuracy": 0.125, "count": 8}}"#
        try Data(metrics.utf8).write(to: run.appendingPathComponent("metrics.json"))
        return model
    }

    @Test(arguments: ["safetensors", "npz"], ["pytorch", "keras"])
    func weightsComeBackAsTheyWere(format: String, layout: String) throws {
        let folder = try CommandLineTests.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let model = try Self.makeRun(in: folder)
        let exported = try CommandLineTests.trainer(
            ["export", "--model", "run", "--format", format, "--layout", layout, "weights"], in: folder)
        #expect(exported.code == 0 && exported.output.hasPrefix("weights: "), "\(exported.errors)")
        let imported = try CommandLineTests.trainer(
            ["import", "--config", CommandLineTests.config, "weights", "model"], in: folder)
        #expect(imported.code == 0 && imported.output.contains("from \(layout)'s layout"), "\(imported.errors)")
        #expect(imported.errors.contains("conv2d_1/kernel"))
        let again = try SavedModel.load(path: folder.appendingPathComponent("model").path)
        #expect(again.parameters.array.map(\.bitPattern) == model.parameters.array.map(\.bitPattern))
        #expect(again.state.array.map(\.bitPattern) == model.state.array.map(\.bitPattern))
        #expect(again.classNames == model.classNames)
    }

    @Test func onnxHoldsTheFiguresOfTheRun() throws {
        let folder = try CommandLineTests.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        _ = try Self.makeRun(in: folder)
        let exported = try CommandLineTests.trainer(
            ["export", "--model", "run", "--format", "onnx", "--input", "uint8", "model.onnx"], in: folder)
        #expect(exported.code == 0, "\(exported.errors)")
        let data = try Data(contentsOf: folder.appendingPathComponent("model.onnx"))
        for word in ["numeral.test_accuracy", "0.125", "mnist (full)", "conv2d_3", "uint8, 0...255"] {
            #expect(data.range(of: Data(word.utf8)) != nil, "\(word)")
        }
        // The model file alone has no figures.
        let alone = try CommandLineTests.trainer(
            ["export", "--model", "run/model.safetensors", "--format", "onnx", "alone.onnx"], in: folder)
        #expect(alone.code == 0, "\(alone.errors)")
        let bare = try Data(contentsOf: folder.appendingPathComponent("alone.onnx"))
        #expect(bare.range(of: Data("numeral.test_accuracy".utf8)) == nil)
    }

    @Test func wrongInputIsRefusedInOneLine() throws {
        let folder = try CommandLineTests.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        _ = try Self.makeRun(in: folder)
        try Data(#"{"conv2d_1": 3}"#.utf8).write(to: folder.appendingPathComponent("names.json"))
        let model = "run/model.safetensors"
        let config = ["--config", CommandLineTests.config]
        let cases: [(arguments: [String], words: String)] = [
            (["export", "--model", "run", "--format", "onnx", "--layout", "keras", "x"], "--layout: expected"),
            (["export", "--model", "run", "--format", "npz", "--input", "uint8", "x"], "--input: expected"),
            (["export", "--model", "nowhere", "--format", "npz", "x"], "nowhere: expected"),
            (["import"] + config + ["nowhere", "x"], "nowhere: expected a file"),
            (["import"] + config + ["--mean", "0.5", model, "x"], "--mean, --standard-deviation: expected both"),
            (["import"] + config + ["--names", "names.json", model, "x"], "names.json: conv2d_1: expected"),
            (["import"] + config + ["--layout", "pytorch", model, "x"], "shape [24, 1, 5, 5] for conv2d_1/kernel"),
            (
                ["import"] + config + ["--set", "data.normalization=standardize", model, "x"],
                "data.normalization: expected the mean"
            ),
        ]
        for (arguments, words) in cases {
            let outcome = try CommandLineTests.trainer(arguments, in: folder)
            #expect(outcome.code == 2 && outcome.errors.contains(words), "\(outcome.errors)")
            #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
        }
        #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("x").path))
    }
}
