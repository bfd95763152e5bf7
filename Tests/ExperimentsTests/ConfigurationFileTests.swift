import Foundation
import Testing

@testable import Datasets
@testable import Experiments
@testable import NeuralNetwork
@testable import Tensors
@testable import Training

/// The files of `config/`, and how files are read.
@Suite struct ConfigurationFileTests {
    static let names = [
        "box-teacher", "box", "cifar10", "classic", "default", "fashion", "lines", "mnist-best", "mnist-robust",
        "mnist-small",
        "mnist-sprint", "reference", "residual",
    ]

    private func load(_ name: String) throws -> Experiment {
        try ExperimentFile.load(path: Fixtures.configurations.appending(path: "\(name).json").path)
    }

    /// `type filters/units` of each layer, as the recipe is spoken of.
    private func outline(_ graph: Graph) -> String {
        graph.nodes.map { node in
            switch node.layer.kind {
            case let layer as Conv2D:
                "conv \(layer.kernelSize) \(layer.filters) /\(layer.strides.height) \(layer.padding)"
                    + (layer.useBias ? " bias" : "")
            case let layer as Dense: "dense \(layer.units)\(layer.useBias ? " bias" : "")"
            case let layer as MaxPooling2D where layer.strides == nil && layer.padding == .valid:
                "pool \(layer.poolSize.height)"
            case let layer as Dropout: "dropout \(layer.rate)"
            default: node.layer.type
            }
        }.joined(separator: ", ")
    }

    @Test func noFileIsForgotten() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Fixtures.configurations.path)
            .filter { $0.hasSuffix(".json") }
        #expect(files.sorted() == Self.names.map { "\($0).json" } + ["schema.json"])
    }

    @Test(arguments: names) func isRead(name: String) throws {
        let experiment = try load(name)
        #expect(experiment.name == name)
        #expect(try Experiment.decode(experiment.jsonText, name: name) == experiment)
        let images = experiment.model.nodes.first?.inputs
        #expect(images == [Graph.inputName])
        // Of lines a row of columns, the blank counted.
        let last = try experiment.completed().model.nodes.last?.layer
        #expect(last == (name == "lines" ? .conv2d(filters: 11, kernelSize: 1) : .dense(units: 10)), "\(name)")
    }

    @Test func defaultIsTheRecipe() throws {
        let experiment = try load("default")
        let block = { (size: String, filters: Int, padding: String) in
            "conv \(size) \(filters) /1 \(padding), batchNormalization, relu"
        }
        let layers = [
            block("5×5", 24, "valid"), "pool 2", block("3×3", 48, "same"), block("3×3", 48, "same"), "pool 2",
            block("3×3", 96, "same"), "pool 2", "dropout 0.25", "flatten", "dense 0 bias",
        ]
        #expect(outline(experiment.model) == layers.joined(separator: ", "))
        #expect(experiment.training.batchSize == 128)
        #expect(experiment.training.epochs == 8)
        #expect(experiment.training.earlyStopping?.monitor == .validationLoss)
        #expect(experiment.training.labelSmoothing == 0.05)
        #expect(experiment.training.averagingDecay != nil)
        #expect(experiment.training.schedule == .oneCycle())
        guard experiment.training.optimizer.as(AdamW.self) != nil else {
            Issue.record("the optimizer is \(experiment.training.optimizer)")
            return
        }
        #expect(experiment.augmentation.rotation == 10)
        #expect(experiment.augmentation.scale == 0.9...1.1)
        #expect(experiment.augmentation.shear == 0.1)
        #expect(experiment.augmentation.translation == 2)
        #expect(experiment.data.source == .auto)
    }

    @Test func referenceIsThatOfTheDesign() throws {
        let experiment = try load("reference")
        let convolution = { (filters: Int) in "conv 3×3 \(filters) /1 same, batchNormalization, relu" }
        let layers = [
            convolution(32), convolution(32), "pool 2", "dropout 0.25", convolution(64), convolution(64), "pool 2",
            "dropout 0.25", "flatten", "dense 256, batchNormalization, relu", "dropout 0.5", "dense 10 bias",
        ]
        #expect(outline(experiment.model) == layers.joined(separator: ", "))
        #expect(experiment.model.inputShape == Shape([28, 28, 1]))
        #expect(experiment.training.optimizer == .adam())
        #expect(experiment.training.batchSize == 128)
    }

    @Test func residualReadsItsShortcuts() throws {
        let nodes = try load("residual").model.nodes
        let sums = nodes.filter { $0.layer == .add }.map(\.inputs)
        #expect(sums == [["branch1", "stem"], ["branch2", "shortcut2"], ["branch3", "shortcut3"]])
        let projection = try #require(nodes.first { $0.name == "conv2d_6" })
        #expect(projection.inputs == ["block1"])
        #expect(
            projection.layer
                == .conv2d(filters: 32, kernelSize: Size2D(1), strides: Size2D(2), useBias: false))
    }

    @Test func overridesAndPlacesNameTheFile() throws {
        let path = Fixtures.configurations.appending(path: "default.json").path
        #expect(try ExperimentFile.load(path: path, overrides: ["training.epochs=3"]).training.epochs == 3)
        let received = message { _ = try ExperimentFile.load(path: path, overrides: ["training.epochs=0"]) }
        #expect(received == "\(path): training.epochs: expected an integer in 1…100000 · received 0")
    }

    /// A network of larger images would be trained, and its file then refused.
    @Test func imagesAboveTheLargestShapeAreRefusedBeforeTraining() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "numeral-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        func completed(height: Int) throws -> Experiment {
            let images = try ImageSet(
                images: [UInt8](repeating: 9, count: 4 * height), labels: [0, 1, 0, 1], height: height, width: 1,
                classCount: 2, classNames: ["a", "b"])
            let path = "\(folder.path)/\(height)"
            _ = try ConversionFiles.writeIDX(ConvertedData(train: images, test: images), to: path, gzip: false)
            let text = """
                {"name": "tall", "data": {"directory": "\(path)"}, "model": {"inputShape": "auto",
                "layers": [{"type": "flatten"}, {"type": "dense", "units": "classes"}]}}
                """
            return try Experiment.decode(text, name: "tall").completed()
        }
        let largest = try completed(height: 1024)
        #expect(largest.model.inputShape == Shape([1024, 1, 1]))
        #expect(try Experiment.decode(largest.jsonText, name: "again") == largest)
        #expect(
            message { _ = try completed(height: 1025) }
                == "model.inputShape: expected images of at most 1024 pixels a side · received 1025×1×1 · "
                + "[height, width, channels] instead of \"auto\" has pictures scaled to that size")
    }

    @Test func unreadableFilesAreNamed() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "numeral-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let expected = "expected a configuration file that can be read · received"
        let load = { (path: String) in message { _ = try ExperimentFile.load(path: path) } }
        #expect(load(folder.path) == "\(folder.path): \(expected) a folder")
        let missing = folder.appending(path: "none.json").path
        #expect(load(missing) == "\(missing): \(expected) no such file")
        let broken = folder.appending(path: "broken.json").path
        try Data("{\n  \"name\": }".utf8).write(to: URL(filePath: broken))
        #expect(load(broken) == "\(broken):2:11: expected a JSON value · received \"}\"")
        try Data(repeating: 0x20, count: 3 << 20).write(to: URL(filePath: broken))
        #expect(load(broken) == "\(broken): expected at most 1048576 bytes of JSON · received 1048577 bytes")
    }
}
