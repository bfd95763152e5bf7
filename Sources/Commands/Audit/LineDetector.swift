import Formats
import Foundation
import Numeral
import Tensors

extension AuditCommand {
    /// Adds a detector of strangers to a network of lines, which is all that an audit does for lines: they are not
    /// judged.
    func saveLines(_ model: SavedModel, to path: String) throws {
        for (option, isGiven) in [
            ("--unseen", unseen), ("--against", against != nil), ("--apply", apply != nil), ("--prune", prune != nil),
            ("--rank", rank != nil), ("--output", output != nil),
        ] where isGiven { try model.requireSingleImages(option) }
        let experiment = try AuditSession.experiment(of: model, at: self.model, data: data)
        let loaded = try common.load(experiment.dataRequest, seed: experiment.seed)
        guard let lines = loaded.lines else {
            throw InputError("--data", expected: "lines, or characters to compose them of", received: "neither")
        }
        let pool = try common.makePool()
        defer { pool.shutdown() }
        common.say("Judging …")
        let calibration = try ModelCalibration(
            lines: lines, graph: model.graph, parameters: model.parameters, state: model.state,
            batchSize: experiment.evaluation.batchSize, seed: experiment.seed, training: loaded.train,
            heldOut: loaded.validation, pool: pool)
        guard let strangers = calibration.strangers else { throw AuditSession.noDetector }
        try save(
            model.calibrated(temperature: model.temperature ?? calibration.temperature, strangers: strangers), to: path)
    }

    /// Writes a model with its new detector, and reports that.
    func save(_ model: SavedModel, to path: String) throws {
        let data = model.encoded()
        try AtomicFile.write(data, to: URL(fileURLWithPath: path))
        print("\(path): \(Console.grouped(data.count)) bytes, the model with a detector of strangers")
    }
}
