import Datasets
import Formats
import Foundation
import Tensors
import Training

/// The models that a configuration refers to: the teachers, and the model that provides the initial weights.
package struct ReferencedModels {
    package var teachers: [Teacher] = []
    /// The model named by ``TrainingOptions/initialModel``.
    package var initial: SavedModel?
    /// The SHA-256 digests of the models' files, by path: a run can only be resumed with the same models.
    package var digests: [String: String] = [:]

    /// Loads the models that the options name.
    /// - Throws: An `InputError` if a path holds no model, an `OperationError` if OpenSSL lacks SHA-256.
    package init(_ options: TrainingOptions) throws {
        for path in try SavedModel.paths(options.distillation?.teachers ?? [], place: "training.distillation.teachers")
        {
            let model = try SavedModel.load(path: path)
            guard !model.experiment.data.multiLabel else {
                throw InputError(path, expected: "a teacher of one label an image", received: "one of several")
            }
            teachers.append(
                Teacher(
                    graph: model.graph, classNames: model.classNames, normalization: model.normalization,
                    parameters: model.parameters,
                    state: model.state))
            digests["teacher \(path)"] = try Digest.hex(Array(model.encoded()))
        }
        guard let path = options.initialModel else { return }
        let model = try SavedModel.load(path: path)
        initial = model
        digests["initial model \(path)"] = try Digest.hex(Array(model.encoded()))
    }
}

extension SavedModel {
    /// Returns the paths of the models that the arguments denote. An argument is a run folder, a model file, or a
    /// folder of model files such as a run's `snapshots`, which expands to its files in order of name.
    /// - Throws: An `InputError` at `place` if a model occurs twice.
    package static func paths(_ arguments: [String], place: String) throws(InputError) -> [String] {
        var paths: [String] = []
        for argument in arguments {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: argument)) ?? []
            let models = names.filter { $0.hasSuffix(".safetensors") }.sorted()
            let isRun = names.contains("config.json") || names.contains("model.safetensors")
            paths += isRun || models.isEmpty ? [argument] : models.map { argument + "/" + $0 }
        }
        var seen = Set<String>()
        for path in paths where !seen.insert(URL(fileURLWithPath: path).standardizedFileURL.path).inserted {
            throw InputError(place, expected: "each model once", received: "\(path) twice")
        }
        return paths
    }
}
