import Foundation
import Numeral
import Testing

/// `trainer quantize`, as a user runs it.
@Suite(.serialized) struct QuantizeCommandTests {
    @Test func aModelOfBytesIsAModelLikeAnyOther() throws {
        try SmallRun.with(epochs: 4) { small in
            let trained = try small.trainer(["--config", "small.json", "--output", "runs"])
            #expect(trained.code == 0, "\(trained.errors)")
            let name = try #require(
                try FileManager.default.contentsOfDirectory(atPath: small.folder.path + "/runs").first)
            let run = "runs/\(name)"
            let source = try Data(contentsOf: small.folder.appendingPathComponent("\(run)/model.safetensors"))
            let outcome = try small.trainer(["quantize", "--model", run, "--untimed", "--images", "20"])
            #expect(outcome.code == 0, "\(outcome.errors)")
            for word in ["conv2d_1", "dense_1", "McNemar", "images/s with floats", "model-int8.safetensors"] {
                #expect(outcome.output.contains(word), "\(word)")
            }
            #expect(try Data(contentsOf: small.folder.appendingPathComponent("\(run)/model.safetensors")) == source)
            let path = "\(run)/model-int8.safetensors"
            let model = try SavedModel.load(path: small.folder.appendingPathComponent(path).path)
            #expect(model.graph.quantization.count == 2)
            // The batch-norm is in the convolution's weights.
            #expect(!model.graph.nodes.contains { $0.layer.type == "batchNormalization" })
            let evaluated = try small.trainer(["evaluate", "--model", path, "--output", "evaluations"])
            #expect(evaluated.code == 0 && evaluated.output.contains("Test accuracy"), "\(evaluated.errors)")
            let profiled = try small.trainer([
                "profile", "--model", path, "--batch", "4", "--inference-batch", "4", "--steps", "1",
            ])
            #expect(
                profiled.code == 0 && profiled.output.contains("int8 + relu_1 + maxPooling2d_1"), "\(profiled.errors)")
            let exported = try small.trainer(["export", "--model", path, "--format", "onnx", "m.onnx"])
            #expect(exported.code == 0, "\(exported.errors)")
            let onnx = try Data(contentsOf: small.folder.appendingPathComponent("m.onnx"))
            #expect(onnx.range(of: Data("DequantizeLinear".utf8)) != nil)

            // Each method is obeyed, and the same twice is the same bytes.
            var files: [Data] = []
            for method in ["minMax", "percentile", "entropy", "entropy"] {
                let again = try small.trainer(
                    ["quantize", "--model", run, "--untimed", "--calibration", method, "--output", "q", "--quiet"])
                #expect(again.code == 0 && again.output.contains("calibration   \(method)"), "\(again.errors)")
                files.append(try Data(contentsOf: small.folder.appendingPathComponent("q")))
            }
            #expect(files[2] == files[3])

            let many = try small.trainer(["quantize", "--model", run, "--images", "31", "--output", "r"])
            #expect(many.code == 2 && many.errors.contains("--images: expected at most 30"), "\(many.errors)")
            let refused = try small.trainer(["quantize", "--model", path, "--output", "r"])
            #expect(refused.code == 2 && refused.errors.contains("quantized already"), "\(refused.errors)")
            #expect(!FileManager.default.fileExists(atPath: small.folder.appendingPathComponent("r").path))
        }
    }

    /// A model of one's own pictures does not know where they are: they are asked for by what is to be done with them.
    @Test(arguments: [
        (["quantize", "--output", "q"], "the pictures to quantize with"), (["audit"], "the pictures to audit"),
    ])
    func ownDataAreAskedFor(arguments: [String], expected: String) throws {
        let folder = try CommandLineTests.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let box = try SavedModel.load(path: "box")
        let own = SavedModel(
            experiment: box.experiment, graph: box.graph, classNames: box.classNames, normalization: box.normalization,
            dataset: "pictures", parameters: box.parameters, state: box.state)
        try own.encoded().write(to: folder.appendingPathComponent("own.safetensors"))
        let outcome = try CommandLineTests.trainer(arguments + ["--model", "own.safetensors"], in: folder)
        #expect(outcome.code == 2)
        #expect(outcome.errors.hasPrefix("trainer: --data: expected \(expected): the model was"), "\(outcome.errors)")
    }

    @Test(arguments: [
        (["--model", "box-lines", "--output", "q"], "lines of text"),
        (["--model", "box"], "--output"),
        (["--model", "nothing"], "nothing there"),
        (["--model", "box", "--output", "q", "--images", "0"], "1…1000000"),
        (["--model", "box", "--output", "q", "--calibration", "best"], "minMax"),
    ])
    func whatCannotBeIsSaid(arguments: [String], expected: String) throws {
        let folder = try CommandLineTests.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let outcome = try CommandLineTests.trainer(["quantize"] + arguments, in: folder)
        #expect(outcome.code == 2 && outcome.errors.contains(expected), "\(outcome.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("q").path))
    }
}
