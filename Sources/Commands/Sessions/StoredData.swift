import Formats
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

    /// Refuses the sample for models of the whole MNIST: it consists of training images, which they have learned.
    static func check(_ data: LoadedData, isNewTo paths: [String]) throws(InputError) {
        guard data.source == .sample else { return }
        for path in paths {
            let file = URL(fileURLWithPath: path, isDirectory: true).appendingPathComponent(RunFile.metrics.rawValue)
            guard let record = try? JSONValue.parse([UInt8](Data(contentsOf: file)), name: path).object,
                record["dataSource"]?.string == MetricsRecord.DataSource.full.rawValue
            else { continue }
            throw InputError(
                "--data",
                expected: "the folder of \(record["dataset"]?.string ?? "the data set"), on which \(path) was trained",
                received: "none, and the sample in the package consists of training images, which it has learned",
                remedy: "--source sample uses it all the same")
        }
    }
}
