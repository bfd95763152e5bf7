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

    /// The sample is part of MNIST's training images.
    @Test func theSampleIsNotNewToANetworkOfAllOfMNIST() throws {
        var options = DataOptions()
        options.source = .sample
        let sample = try DatasetLoader.load(options, seed: 0)
        try withFolder { folder in
            func check(_ metrics: String?) throws {
                let file = folder.appendingPathComponent("metrics.json")
                try? FileManager.default.removeItem(at: file)
                try metrics.map { try Data($0.utf8).write(to: file) }
                try StoredData.check(sample, isNewTo: ["box", folder.path])
            }
            try check(nil)
            try check(#"{"dataset": "mnist", "dataSource": "sample"}"#)
            let error = #expect(throws: InputError.self) {
                try check(#"{"dataset": "mnist", "dataSource": "full"}"#)
            }
            #expect(error?.place == "--data" && error?.expected.hasPrefix("the folder of mnist, on which") == true)
        }
    }
}
