import Datasets
import Experiments
import Foundation
import Tensors
import Testing

@testable import Commands

/// What a run tells of the data it was trained on.
@Suite struct StoredDataTests {
    private func withFolder(_ body: (URL) throws -> Void) throws {
        let folder = try CommandLineTests.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }

    /// The folder of the configuration is looked into, as long as it is there.
    @Test func theRunsOwnFolderIsUsed() throws {
        try withFolder { folder in
            let model = try SavedModel.load(path: "box")
            func directory(_ path: String?) throws -> String? {
                var experiment = model.experiment
                experiment.data.directory = path
                try Data(experiment.jsonText.utf8).write(to: folder.appendingPathComponent("config.json"))
                return try StoredData.directory(of: model, at: folder.path, to: "test on")
            }
            #expect(try directory(folder.path) == folder.path)
            #expect(try directory(folder.path + "/gone") == nil)
            #expect(try directory(nil) == nil)
            #expect(try StoredData.directory(of: model, at: "box", to: "test on") == nil)
        }
    }

    /// A few learned images are noted, more are refused; a model that does not say passes.
    @Test func whatAModelHasLearnedIsNoTestForIt() throws {
        var options = DataOptions()
        options.source = .sample
        let sample = try DatasetLoader.load(options, seed: 0)
        let images = sample.train.subset(0..<1_000)
        let box = try SavedModel.load(path: "box")
        func model(_ learned: LearnedImages?) -> SavedModel {
            SavedModel(
                experiment: box.experiment, graph: box.graph, classNames: box.classNames, normalization: nil,
                learned: learned, parameters: box.parameters, state: box.state)
        }
        func check(_ learned: LearnedImages?, allows: Bool = false) throws -> String? {
            try StoredData.check(
                images, "images", areNewTo: model(learned), at: "m", remedy: allows ? nil : "others")
        }
        #expect(try check(nil) == nil)
        #expect(try check(LearnedImages(sample.validation)) == nil)
        let few = try LearnedImages(sample.train.subset(0..<50)), more = try LearnedImages(sample.train.subset(0..<51))
        #expect(try check(few) == "m has learned 50 of 1,000 images (5.0 %)")
        #expect(try check(more, allows: true) == "m has learned 51 of 1,000 images (5.1 %)")
        let error = #expect(throws: InputError.self) { try check(more) }
        #expect(error?.place == "--model" && error?.remedy == "others")
        // The networks in the package have learned the sample, which is part of MNIST's training images.
        for name in ["box", "box-lines"] {
            let learned = try #require(SavedModel.load(path: name).learned)
            #expect(try learned.overlap(with: sample.train).share > 0.8, "\(name)")
        }
    }
}
