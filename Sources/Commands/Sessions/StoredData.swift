import Foundation
import Numeral
import Runs
import Tensors

/// The data that a saved model was trained on, as far as its run tells.
enum StoredData {
    /// Returns the folder or file that the run's configuration names, if it is still there; nil for a data set by name
    /// that was found elsewhere.
    /// - Parameters:
    ///   - path: The path of the run or the model, as it was given.
    ///   - purpose: What the data are for, in the error.
    /// - Throws: An `InputError` if the model was trained on data of the user's own that are not there.
    static func directory(of model: SavedModel, at path: String?, to purpose: String) throws(InputError) -> String? {
        let file = path.map {
            URL(fileURLWithPath: $0, isDirectory: true).appendingPathComponent(RunFile.config.rawValue)
        }
        let directory = file.flatMap { try? ExperimentFile.load(path: $0.path) }?.data.directory
        if let directory, FileManager.default.fileExists(atPath: directory) { return directory }
        guard let kind = model.ownData else { return nil }
        throw InputError(
            "--data", expected: "the \(kind) to \(purpose): the model was trained on \(kind) of your own",
            received: "none")
    }

    /// The share of test images that a model may have learned: a data set may hold pictures twice.
    private static let mostLearned = 0.05

    /// Checks that a model has not learned images, as far as it tells (``LearnedImages``).
    /// - Parameters:
    ///   - path: The path of the model, as it was given.
    ///   - what: What the images are: `test images`.
    ///   - remedy: What to do, in the error; nil if learned images are only noted.
    /// - Returns: A note if it has learned any.
    /// - Throws: An `InputError` if it has learned more than a few.
    static func check(
        _ images: ImageSet, _ what: String, areNewTo model: SavedModel, at path: String, remedy: String?
    ) throws -> String? {
        guard let overlap = try model.learned?.overlap(with: images), overlap.learned > 0 else { return nil }
        let text = overlap.text(what, of: images.count)
        // One of a small sample may be the only one.
        let mayBeChance = overlap.learned == 1 && overlap.compared < images.count
        if let remedy, !mayBeChance, overlap.share > mostLearned {
            throw InputError(
                "--model", expected: "a model that has not learned the \(what)",
                received: "\(path), which has learned \(text)", remedy: remedy)
        }
        return "\(path) has learned \(text)"
    }
}
