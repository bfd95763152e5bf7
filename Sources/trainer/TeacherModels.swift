import Foundation
import Numeral

/// The models that a configuration names as teachers.
struct TeacherModels {
    var teachers: [Teacher] = []
    /// SHA-256 of their files, by path: a run may only go on with the same teachers.
    var digests: [String: String] = [:]

    /// - Throws: `InputError` where a path holds no model.
    init(_ options: DistillationOptions?) throws {
        for path in try Ensemble.expand(options?.teachers ?? [], place: "training.distillation.teachers") {
            let model = try SavedModel.load(path: path)
            teachers.append(
                Teacher(
                    graph: model.graph, normalization: model.normalization, parameters: model.parameters,
                    state: model.state))
            digests["teacher \(path)"] = try Digest.hex(Array(model.encoded()))
        }
    }
}
