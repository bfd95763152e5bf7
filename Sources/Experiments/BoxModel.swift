import Foundation
import Synchronization
import Tensors

/// The bundled model: a network trained on MNIST by this project, so that digits can be read without training first.
///
/// `Resources/box` contains the model, the figures of its run, and a notice on the origin of its data;
/// `config/box.json` reproduces the training.
package enum BoxModel {
    /// The location of the resources next to a dynamically loaded library; nil if the program has them.
    private static let besideLibrary = Mutex<URL?>(nil)

    /// The folder of the model files.
    package static var folder: URL {
        let bundle = besideLibrary.withLock { $0 } ?? Bundle.module.bundleURL
        return bundle.appendingPathComponent("box", isDirectory: true)
    }

    /// Uses the resources in `folder` if they exist: programs that load this as a library have none of their own.
    package static func look(in folder: URL) {
        let bundle = folder.appendingPathComponent("numeral_Experiments.resources", isDirectory: true)
        guard FileManager.default.fileExists(atPath: bundle.path) else { return }
        besideLibrary.withLock { $0 = bundle }
    }

    /// The word that denotes the bundled model in place of a path; a file or folder of that name is written `./box`.
    package static let word = "box"

    /// The word that denotes the bundled line-reading network.
    package static let linesWord = "box-lines"

    /// The name of the model in messages.
    package static let name = "the model in the box"

    /// Loads the bundled model.
    /// - Throws: An `InputError` if the package's resources are missing or damaged.
    package static func load() throws(InputError) -> SavedModel {
        try SavedModel.load(path: folder.appendingPathComponent("mnist.safetensors").path)
    }

    /// Loads the bundled network that reads whole lines of digits; `config/lines.json` reproduces its training.
    /// - Throws: An `InputError` if the package's resources are missing or damaged.
    package static func loadLines() throws(InputError) -> SavedModel {
        try SavedModel.load(path: folder.appendingPathComponent("lines.safetensors").path)
    }

    /// Returns whether `path` denotes one of the two bundled models.
    /// - Throws: An `InputError` if a file or folder has the same name.
    static func isMeant(by path: String) throws(InputError) -> Bool {
        guard path == word || path == linesWord else { return false }
        guard !FileManager.default.fileExists(atPath: path) else {
            throw InputError(
                path, expected: "one model of this name", received: "the model in the box, and a file or folder here",
                remedy: "write ./\(path) for the latter, or run in another folder for the former")
        }
        return true
    }
}
