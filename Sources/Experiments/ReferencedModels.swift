import Datasets
import Formats
import Foundation
import Tensors
import Training

/// The models that a configuration names: teachers, and the one whose weights training begins with.
package struct ReferencedModels {
    package var teachers: [Teacher] = []
    /// Of ``TrainingOptions/initialModel``.
    package var initial: SavedModel?
    /// SHA-256 of their files, by path: a run may only go on with the same teachers.
    package var digests: [String: String] = [:]

    /// - Throws: `InputError` where a path holds no model, `OperationError` where OpenSSL has no SHA-256.
    package init(_ options: TrainingOptions) throws {
        for path in try SavedModel.paths(options.distillation?.teachers ?? [], place: "training.distillation.teachers")
        {
            let model = try SavedModel.load(path: path)
            teachers.append(
                Teacher(
                    graph: model.graph, normalization: model.normalization, parameters: model.parameters,
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
    /// The models that paths name: a run folder, a model file, or a folder of model files such as a run's
    /// `snapshots`, in the order of their names.
    /// - Throws: `InputError` at `place` where a model comes twice.
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
