import Datasets
import Experiments
import Foundation
import Numeral
import Reports
import Runs
import Testing

/// `trainer train --from`, and the options that go with it.
@Suite struct FineTuningTests {
    private func model(_ run: SmallRun, _ output: String) throws -> SavedModel {
        try SavedModel.load(path: run.run(in: output).path)
    }

    private func values(_ model: SavedModel, of layer: String) -> [UInt32] {
        model.graph.nodes.filter { $0.name == layer }.flatMap { node in
            node.parameters.flatMap { $0.range.map { model.parameters[$0].bitPattern } }
                + node.state.flatMap { $0.range.map { model.state[$0].bitPattern } }
        }
    }

    /// A run, and one that begins with its weights: what is frozen is the same, the rest has moved, and an unknown class has
    /// a row of its own. The same again from the configuration that the run leaves.
    @Test func weightsGoOnFromAnotherRun() throws {
        try SmallRun.with(epochs: 2) { run in
            #expect(try run.trainer(SmallRun.begin("a") + ["--quiet"]).code == 0)
            let first = try model(run, "a"), path = try run.path(of: "a")
            let frozen = "training.frozen=[\"conv2d_1\", \"batchNormalization_*\"]"
            let outcome = try run.trainer(SmallRun.begin("b") + ["--from", path, "--set", frozen])
            #expect(outcome.code == 0)
            #expect(outcome.errors.contains("Beginning with the weights of \(path), which knows all 3 classes"))
            let second = try model(run, "b")
            #expect(second.experiment.training.initialModel == path)
            for layer in ["conv2d_1", "batchNormalization_1"] {
                #expect(values(second, of: layer) == values(first, of: layer), "\(layer)")
            }
            #expect(values(second, of: "dense_1") != values(first, of: "dense_1"))
            let stored = try run.path(of: "b") + "/config.json"
            #expect(try run.trainer(["--config", stored, "--output", "c", "--quiet"]).code == 0)
            #expect(try model(run, "c").encoded() == second.encoded())
            // The normalisation is the other run's; without it the weights would mean nothing.
            let refused = try run.trainer(
                SmallRun.begin("d") + ["--from", path, "--set", "data.normalization=none"])
            #expect(refused.code == 2)
            #expect(refused.errors.contains("data.normalization: expected \"standardize\", as \(path) was trained"))
        }
    }

    /// A recipe for other images: not for a provider's, nor a part of a cross-validation, and with images to stop by.
    @Test func theRecipeForgetsWhereTheImagesCameFrom() throws {
        let box = try BoxModel.load()
        var experiment = box.experiment
        experiment.data.provider = DataProvider(CIFAR10(directory: "d"))
        (experiment.data.fold, experiment.data.validationFraction) = (.init(2, of: 5), 0)
        (experiment.data.labelColumn, experiment.data.weightColumn, experiment.data.testFraction) = ("l", "w", 0.3)
        let model = SavedModel(
            experiment: experiment, graph: box.graph, classNames: box.classNames, normalization: box.normalization,
            parameters: box.parameters, state: box.state)
        let tuned = Experiment.fineTuning(model, from: "m")
        #expect(tuned.data.provider == nil && tuned.data.fold == nil && tuned.data.validationFraction == 0.1)
        #expect(tuned.data.labelColumn == nil && tuned.data.weightColumn == nil && tuned.data.testFraction == 0.1)
        #expect(throws: Never.self) { try Experiment.decode(tuned.json, name: "t") }
    }

    /// Pictures in folders named otherwise than the model's classes: a new head, the model's network, no configuration.
    @Test func aModelIsEnoughForPictures() throws {
        try SmallRun.with(epochs: 1) { run in
            #expect(try run.trainer(SmallRun.begin("a") + ["--quiet"]).code == 0)
            try writePictures(run)
            let path = try run.path(of: "a")
            let outcome = try run.trainer(
                ["train", "--from", path, "--data", "pictures", "--output", "b", "--set", "training.epochs=2"])
            #expect(outcome.code == 0, "\(outcome.errors)")
            #expect(outcome.errors.contains("with a new last layer for 3 of 4 classes"))
            let tuned = try model(run, "b")
            #expect(tuned.classNames == ["1", "left", "more", "right"])
            #expect(tuned.experiment.name == "small-finetuned")
            #expect(tuned.graph.classCount == 4)
        }
    }

    /// Forty pictures of 12×12 in four classes, one of which the model knows.
    /// One's own pictures need no test half for a cross-validation, and the network of a run, of any recipe, will do.
    @Test func picturesWithoutATestHalfAreCrossValidated() throws {
        try SmallRun.with(epochs: 1) { run in
            try writePictures(run)
            let outcome = try run.trainer([
                "train", "--from", "box", "--data", "pictures", "--folds", "2", "--output", "b", "--quiet", "--set",
                "training.epochs=1", "--set", "name=\"pictures\"",
            ])
            #expect(outcome.code == 0, "\(outcome.errors)")
            let whole = try StoredRun.load(path: run.file("b/pictures-2-folds").path)
            #expect(whole.evaluation.predictions.count == 40)
        }
    }

    private func writePictures(_ run: SmallRun) throws {
        for (label, name) in ["1", "left", "more", "right"].enumerated() {
            let folder = run.file("pictures/\(name)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            for index in 0..<10 {
                let pixels = (0..<144).map { place -> UInt8 in
                    let (y, x) = (place / 12, place % 12)
                    let isInk = [x == 5 + index % 3, y == 5, x == y, x + y == 11][label] && (2...9).contains(x + y / 9)
                    return isInk ? 20 : UInt8(220 + (place + index) % 7)
                }
                try Data("P5 12 12 255\n".utf8 + pixels).write(to: folder.appendingPathComponent("\(index).pgm"))
            }
        }
    }

    @Test func whatCannotBeIsRefused() throws {
        try SmallRun.with(epochs: 1) { run in
            func refused(_ arguments: [String]) throws -> String {
                let outcome = try run.trainer(arguments)
                #expect(outcome.code == 2, "\(arguments)")
                return outcome.errors
            }
            #expect(try refused(["train", "--from", "box"]).contains("--from needs --data"))
            #expect(
                try refused(["train", "--from", "box", "--resume", "x"]).contains("--from does not go with --resume"))
            #expect(try refused(SmallRun.begin("o") + ["--from", "nothing"]).contains("nothing there"))
            // Other weights than those of --from, or none, whether the network is the model's or a configuration's.
            for value in ["null", "runs/other"] {
                let both = ["--from", "box", "--set", "training.initialModel=\(value)"]
                for start in [["train", "--data", "pictures"], SmallRun.begin("o")] {
                    #expect(try refused(start + both).contains("--from does not go with --set training.initialModel"))
                }
            }
            // Another network than the box's.
            let other = try refused(SmallRun.begin("o") + ["--from", "box", "--set", "data.normalization=none"])
            #expect(other.contains("training.initialModel: box: expected conv2d_1/kernel of"))
            #expect(
                try refused(SmallRun.begin("o") + ["--set", "training.frozen=[\"conv_1\"]"]).contains("did you mean"))
            try Data().write(to: run.file("box"))
            #expect(try refused(SmallRun.begin("o") + ["--from", "box"]).contains("write ./box"))
            #expect(!FileManager.default.fileExists(atPath: run.file("o").path))
        }
    }
}
