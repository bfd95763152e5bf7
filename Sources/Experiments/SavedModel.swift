import Datasets
import Evaluation
import Formats
import Foundation
import NeuralNetwork
import Tensors
import Training

/// A trained network as stored in a file: weights and batch-norm state, and in the metadata the configuration of its
/// training, its class names and its normalisation.
///
/// It holds everything needed to classify. The same training produces the same bytes.
package struct SavedModel: Sendable {
    /// The configuration, without the folders of the training machine.
    package private(set) var experiment: Experiment
    package let graph: ResolvedGraph
    package let classNames: [String]
    /// The kind of user data the model was trained on, `pictures` or `table`; nil for one that the configuration names.
    package let ownData: String?
    /// The mean and standard deviation of the training split; nil if pixels are not standardised.
    package let normalization: (mean: Float, standardDeviation: Float)?
    /// The temperature by which logits are divided to calibrate probabilities, fitted on the validation images
    /// (`TemperatureScaling`); nil if it was not fitted.
    package private(set) var temperature: Double?
    /// The out-of-distribution detector, fitted on the validation images; nil if it was not fitted.
    package private(set) var strangers: StrangerDetector?
    /// The images whose gradients it followed; nil if it does not say.
    package let learned: LearnedImages?
    package let parameters: AlignedBuffer<Float>
    package let state: AlignedBuffer<Float>

    private static let format = "numeral-1"
    private static let learnedKey = "numeral.learned"

    package init(
        experiment: Experiment, graph: ResolvedGraph, classNames: [String],
        normalization: (mean: Float, standardDeviation: Float)?, temperature: Double? = nil,
        strangers: StrangerDetector? = nil, dataset: String? = nil, learned: LearnedImages? = nil,
        parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>
    ) {
        // A folder of IDX files or shards; files named by path are in the configuration.
        let isFolder = dataset == "files" && experiment.data.files == nil
        ownData = dataset.flatMap { LoadedData.ownKinds.contains($0) || isFolder ? $0 : nil }
        var portable = experiment
        portable.data.directory = nil
        portable.output = OutputOptions()
        self.experiment = portable
        self.graph = graph
        self.classNames = classNames
        self.normalization = normalization
        self.temperature = temperature
        self.strangers = strangers
        self.learned = learned
        self.parameters = parameters
        self.state = state
    }

    /// Returns the model with the given temperature and out-of-distribution detector.
    package func calibrated(temperature: Double?, strangers: StrangerDetector?) -> SavedModel {
        var model = self
        (model.temperature, model.strangers) = (temperature, strangers)
        return model
    }

    /// Returns the model with another configuration of the same network.
    package func configured(_ experiment: Experiment) -> SavedModel {
        var model = self
        model.experiment = experiment
        return model
    }

    /// Returns the model as the bytes of a safetensors file.
    package func encoded() -> Data {
        var metadata = [
            "format": Self.format,
            "numeral.config": experiment.jsonText,
            "numeral.classes": JSONValue.array(classNames.map { .string($0) }).text,
        ]
        if let normalization {
            metadata["numeral.mean"] = "\(normalization.mean)"
            metadata["numeral.standard_deviation"] = "\(normalization.standardDeviation)"
        }
        if let ownData { metadata["numeral.data"] = ownData }
        if let temperature { metadata["numeral.temperature"] = "\(temperature)" }
        if let strangers { metadata[StrangerDetector.metadataKey] = strangers.metadata }
        if let learned, !learned.isEmpty { metadata[Self.learnedKey] = learned.text }
        return SafetensorsFile(
            metadata: metadata,
            tensors: graph.tensorRecords(parameters: parameters, state: state) + (strangers?.tensors ?? [])
        ).encoded()
    }

    /// Decodes the bytes written by ``encoded()``.
    /// - Throws: An ``InputError`` if the file is damaged or of another format, or if its tensors do not match its
    ///   configuration.
    package static func decode(_ data: Data, name: String) throws(InputError) -> SavedModel {
        try refuseForeign(data, name)
        let file = try SafetensorsFile.decode(data, name: name, formats: [.float32, .int8])
        guard file.metadata["format"] == format, let text = file.metadata["numeral.config"] else {
            throw InputError(
                name, expected: "a model written by Numeral (metadata format \(format))",
                received: file.metadata["format"].map { "format \($0)" } ?? "a safetensors file without that metadata",
                remedy: importRemedy)
        }
        let experiment = try Experiment.decode(text, name: "\(name): numeral.config")
        var graph = try ResolvedGraph(experiment.model)
        let classNames = try classes(file.metadata["numeral.classes"], count: graph.characterCount, name: name)
        var (tensors, strangers) = try StrangerDetector.read(file, graph, name: name)
        (graph, tensors) = try graph.quantized(by: tensors, name: name)
        let buffers = try graph.buffers(of: tensors, name: name)
        return SavedModel(
            experiment: experiment, graph: graph, classNames: classNames,
            normalization: try normalization(file.metadata, name: name),
            temperature: try temperature(file.metadata, name: name), strangers: strangers,
            dataset: file.metadata["numeral.data"],
            learned: try file.metadata[learnedKey].map { text throws(InputError) in
                try LearnedImages(text: text, name: "\(name): \(learnedKey)")
            },
            parameters: buffers.parameters,
            state: buffers.state)
    }

    private static let importRemedy =
        "make a model of other libraries' weights: trainer import --config FILE WEIGHTS OUT"

    /// Rejects the weight files of other libraries with an error that names their format.
    private static func refuseForeign(_ data: Data, _ name: String) throws(InputError) {
        let expected = "a model written by Numeral (safetensors)"
        let head = [UInt8](data.prefix(4096))
        if let foreign = ForeignWeights(head: head, tail: [UInt8](data.suffix(65_536)), path: name) {
            throw foreign.error(expected: expected, then: "; then \(importRemedy)")
        }
        if head.starts(with: Array("PK".utf8)) {
            throw InputError(name, expected: expected, received: "an NPZ file", remedy: importRemedy)
        }
    }

    /// Loads a model from a file or from a run folder that contains `model.safetensors`; `box` denotes the bundled
    /// model, `box-lines` the bundled line-reading network.
    package static func load(path: String) throws(InputError) -> SavedModel {
        if try BoxModel.isMeant(by: path) {
            return try path == BoxModel.linesWord ? BoxModel.loadLines() : BoxModel.load()
        }
        var url = URL(fileURLWithPath: path)
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw InputError(path, expected: "a run folder or a model file", received: "nothing there")
        }
        if isFolder.boolValue {
            let config = url.appendingPathComponent("config.json").path
            url.appendPathComponent("model.safetensors")
            if !FileManager.default.fileExists(atPath: url.path), FileManager.default.fileExists(atPath: config) {
                let folds = url.deletingLastPathComponent().appendingPathComponent("folds.json").path
                let isCrossValidation = FileManager.default.fileExists(atPath: folds)
                throw InputError(
                    path, expected: "a run with model.safetensors",
                    received: isCrossValidation
                        ? "a cross-validation, each part of which is a run" : "an unfinished run",
                    remedy: isCrossValidation
                        ? "give one of the folders in it" : "finish it: trainer --resume \(path)")
            }
        }
        // Reading a pipe or a device might never end.
        let attributes = try? FileManager.default.attributesOfItem(atPath: url.resolvingSymlinksInPath().path)
        if let type = attributes?[.type] as? FileAttributeType, type != .typeRegular {
            throw InputError(url.relativePath, expected: "a model file", received: "a folder or a special file")
        }
        let data: Data
        do {
            data = try Data(contentsOf: url)
        } catch {
            throw InputError(
                url.relativePath, expected: "a model file that can be read",
                received: isFolder.boolValue ? "a folder without model.safetensors" : "\(error.localizedDescription)")
        }
        return try decode(data, name: path)
    }

    private static func classes(_ text: String?, count: Int, name: String) throws(InputError) -> [String] {
        let place = "\(name): numeral.classes"
        guard let text else { throw InputError(place, expected: "class names", received: "none") }
        guard case .array(let values) = try JSONValue.parse(text, name: place) else {
            throw InputError(place, expected: "a JSON array", received: text)
        }
        let names = values.compactMap { if case .string(let name) = $0 { name } else { nil } }
        guard names.count == values.count, names.count == count else {
            throw InputError(place, expected: "\(count) names", received: "\(names.count)")
        }
        return names.map(ClassName.shown)
    }

    private static func temperature(_ metadata: [String: String], name: String) throws(InputError) -> Double? {
        guard let text = metadata["numeral.temperature"] else { return nil }
        guard let value = Double(text), value.isFinite, value > 0 else {
            throw InputError("\(name): numeral.temperature", expected: "a positive number", received: text)
        }
        return value
    }

    private static func normalization(
        _ metadata: [String: String], name: String
    ) throws(InputError) -> (mean: Float, standardDeviation: Float)? {
        guard let mean = metadata["numeral.mean"] else { return nil }
        let deviation = metadata["numeral.standard_deviation"] ?? "none"
        guard let m = Float(mean), let d = Float(deviation), m.isFinite, d.isFinite, d > 0 else {
            throw InputError(
                "\(name): numeral.mean", expected: "a finite mean and a positive standard deviation",
                received: "\(mean) and \(deviation)")
        }
        return (m, d)
    }
}
