import ArgumentParser
import Formats
import Foundation
import Numeral
import Runs
import Tensors
import Workers

/// `trainer quantize`: makes a network's layers multiply bytes where that is faster and equally accurate.
struct QuantizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quantize",
        abstract: "Quantize a saved model's layers to int8 where that is faster and equally accurate.",
        discussion: """
            Ranges are chosen, and both networks compared, on the validation images, which neither was trained on; the test set is \
            not read. The result is a model like any other: evaluate, predict, serve and export accept it.
            """)

    @Option(help: "A run folder, a model file, or box.")
    var model: String

    @Option(
        help: ArgumentHelp("The file to write; default: model-int8.safetensors beside the model.", valueName: "file"))
    var output: String?

    @Option(help: "The folder of the data set, or your own data.")
    var data: String?

    @Option(
        help: ArgumentHelp(
            "How the ranges of activations are chosen: minMax, percentile or entropy; default: the one with the lowest validation loss.",
            valueName: "method"))
    var calibration: CalibrationMethod?

    @Option(help: ArgumentHelp("The number of validation images used to choose the ranges.", valueName: "count"))
    var images: Int?

    @Flag(help: "Also quantize layers that are not faster on this machine, for a model to be used on another.")
    var untimed = false

    @OptionGroup var common: CommonOptions

    func validate() throws {
        if let images, !(1...1_000_000).contains(images) {
            throw ValidationError("--images: expected an integer in 1…1000000 · received \(images)")
        }
    }

    func run() throws {
        let saved = try SavedModel.load(path: model)
        let target = try target()
        try saved.requireSingleImages()
        let experiment = try AuditSession.experiment(of: saved, at: model, data: data, to: "quantize with")
        var options = experiment.dataRequest
        options.modelClasses = saved.classNames
        let loaded = try common.load(options, seed: experiment.seed)
        try Classifier.check(saved.graph, fits: loaded.train, named: loaded.dataset)
        let isHeldOut = loaded.validation.count > 0
        if !isHeldOut {
            Console.message(
                "Note: the model kept no validation images (data.validationFraction is 0): it is calibrated and compared on images that it "
                    + "has learned from")
        }
        let available = isHeldOut ? loaded.validation.count : loaded.train.count
        if let images, images > available {
            throw InputError(
                "--images", expected: "at most \(available), as many as there are", received: "\(images)")
        }
        let note = try StoredData.check(
            loaded.validation, "validation images", areNewTo: saved, at: model, remedy: nil)
        if let note {
            Console.message("Note: \(note)")
        }
        let pool = try common.makePool()
        defer { pool.shutdown() }
        var wanted = Quantizer.Options()
        wanted.method = calibration
        wanted.calibrationImages = images ?? wanted.calibrationImages
        wanted.isUntimed = untimed
        let quantizer = try Quantizer(
            saved, images: isHeldOut ? loaded.validation : loaded.train, options: wanted, pool: pool)
        let (quantized, report) = quantizer.run { common.say("\($0) …") }
        print(report.text)
        guard report.isGain || untimed && !quantized.graph.quantization.isEmpty else { throw Quantizer.nothingGained }
        let calibrated = ModelCalibration(
            graph: quantized.graph, parameters: quantized.parameters, state: quantized.state,
            batchSize: quantized.experiment.evaluation.batchSize, normalization: quantized.normalization,
            training: loaded.train, heldOut: loaded.validation, pool: pool)
        let bytes = quantized.calibrated(temperature: calibrated.temperature, strangers: calibrated.strangers).encoded()
        try AtomicFile.write(bytes, to: target)
        print(
            "\n\(target.relativePath): \(Console.grouped(bytes.count)) bytes (floats: \(Console.grouped(saved.encoded().count)))"
        )
    }

    /// Returns the location of the new model, if it is valid.
    private func target() throws -> URL {
        if let output { return URL(fileURLWithPath: output) }
        let run = RunFolder(URL(fileURLWithPath: model, isDirectory: true)), file = run.url(of: .model)
        if FileManager.default.fileExists(atPath: file.path) {
            return run.url.appendingPathComponent("model-int8.safetensors")
        }
        guard FileManager.default.fileExists(atPath: model) else {
            throw InputError(
                "--output", expected: "the file to write",
                received: "none, and \(model) is no file beside which it could be")
        }
        let url = URL(fileURLWithPath: model)
        let name = url.deletingPathExtension().lastPathComponent
        return url.deletingLastPathComponent().appendingPathComponent("\(name)-int8.safetensors")
    }
}

extension CalibrationMethod: ExpressibleByArgument {}

extension QuantizationReport {
    /// A table for the console.
    var text: String {
        func micro(_ seconds: Double) -> String { Console.fixed(seconds * 1e6, 2) }
        var rows = [["layer", "weights", "float µs", "int8 µs", "divergence", "changed", "becomes"]]
        for layer in layers {
            rows.append([
                layer.name, Console.grouped(layer.weights), micro(layer.times.float), micro(layer.times.bytes),
                String(format: "%.1e", layer.sensitivity.divergence),
                "\(layer.sensitivity.changed) of \(Console.grouped(layer.sensitivity.images))", layer.fate.rawValue,
            ])
        }
        let test = comparison.test
        var lines = [
            "Times are of one image in a batch of \(rates.last?.batchSize ?? 1), by \(Self.instructions); divergence and changed "
                + "answers are the network's when that layer alone is int8.", "", Console.table(rows, left: [0, 6]), "",
            "calibration   \(method.rawValue)",
            "accuracy      \(percent(comparison.floatAccuracy)) with floats, \(percent(comparison.accuracy)) with int8, of "
                + "\(Console.grouped(test.count)) images",
            "              \(comparison.changed) are read otherwise: right only with floats \(test.onlyFirst), only with int8 "
                + "\(test.onlySecond) (McNemar, p = \(Console.fixed(test.pValue, 3)))",
        ]
        for rate in rates {
            let name = rate.batchSize == 1 ? "one image" : "batch \(rate.batchSize)"
            lines.append(
                name.padding(toLength: 14, withPad: " ", startingAt: 0)
                    + "\(Console.grouped(Int(rate.float))) images/s with floats, \(Console.grouped(Int(rate.bytes))) with int8 "
                    + "(\(Console.fixed(rate.bytes / rate.float, 2)) times)")
        }
        return lines.joined(separator: "\n")
    }

    private func percent(_ value: Double) -> String { "\(Console.fixed(100 * value, 2)) %" }
}
