import ArgumentParser
import Formats
import Foundation
import Interchange
import Numeral
import Runs

/// `trainer export`: writes a saved model for other tools.
struct ExportCommand: ParsableCommand {
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case onnx, safetensors, npz
    }

    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Export a saved model for other tools: ONNX, safetensors or NPZ.",
        discussion: """
            An ONNX model takes pixels [N, C, H, W] and returns class probabilities [N, K]; normalisation and softmax are \
            included. Safetensors and NPZ hold only the weights, named and laid out as in PyTorch (layer.weight \
            [out, in, kH, kW]) or, with --layout keras, as in Keras (layer/kernel [kH, kW, in, out]).
            """)

    @Option(help: "A run folder or a model file.")
    var model: String

    @Option(help: "onnx, safetensors or npz.")
    var format: Format

    @Option(help: "For ONNX: float for pixels in [0, 1] (default), or uint8 for bytes.")
    var input: ONNXInput?

    @Option(help: "For safetensors and npz: pytorch (default) or keras.")
    var layout: WeightLayout?

    @Argument(help: "The file to write.")
    var output: String

    func run() throws {
        if format == .onnx, let layout {
            throw InputError(
                "--layout", expected: "a format of weights, safetensors or npz", received: "\(layout.rawValue) for onnx"
            )
        }
        if format != .onnx, let input {
            throw InputError(
                "--input", expected: "the format onnx", received: "\(input.rawValue) for \(format.rawValue)")
        }
        let saved = try SavedModel.load(path: model)
        let data: Data
        switch format {
        case .onnx:
            var export = ONNXExport()
            export.input = input ?? .float
            export.producerVersion = Numeral.version
            export.metadata = try testFigures()
            data = try export.encoded(saved)
        case .safetensors: data = try saved.safetensors(layout ?? .pytorch, metadata: try testFigures())
        case .npz: data = try saved.npz(layout ?? .pytorch)
        }
        try AtomicFile.write(data, to: URL(fileURLWithPath: output))
        print("\(output): \(Console.grouped(data.count)) bytes")
    }

    /// Returns the results of the run's own test; empty for a model file without a run.
    private func testFigures() throws -> [String: String] {
        let file = RunFolder(URL(fileURLWithPath: model, isDirectory: true)).url(of: .metrics)
        guard FileManager.default.fileExists(atPath: file.path) else { return [:] }
        do {
            let figures = try JSONDecoder().decode(Figures.self, from: Data(contentsOf: file))
            return [
                "numeral.dataset": "\(figures.dataset) (\(figures.dataSource))",
                "numeral.test_accuracy": "\(figures.test.accuracy)",
                figures.test.lines == nil ? "numeral.test_images" : "numeral.test_lines":
                    "\(figures.test.count ?? figures.test.lines ?? 0)",
            ]
        } catch {
            throw InputError(
                file.relativePath, expected: "the figures of a run", received: "a damaged file",
                remedy: "export the model file alone, \(RunFile.model.rawValue), to go without them")
        }
    }

    /// The part of metrics.json that goes into a model's metadata.
    private struct Figures: Decodable {
        struct Test: Decodable {
            var accuracy: Double
            var count: Int?
            var lines: Int?
        }

        var dataset: String
        var dataSource: String
        var test: Test
    }
}

extension ONNXInput: ExpressibleByArgument {}
extension WeightLayout: ExpressibleByArgument {}
