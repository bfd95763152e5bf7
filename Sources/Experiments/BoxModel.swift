import Foundation
import Synchronization
import Tensors

/// The model in the box: a network that this project trained on MNIST, so that digits can be read without training first.
///
/// `Resources/box` holds it, the figures of its run, and a notice of where its data came from; `config/box.json` trains
/// it again.
package enum BoxModel {
    /// Where a library found the resources beside itself; nil: where the program has them.
    private static let besideLibrary = Mutex<URL?>(nil)

    /// The folder of its files.
    package static var folder: URL {
        let bundle = besideLibrary.withLock { $0 } ?? Bundle.module.bundleURL
        return bundle.appendingPathComponent("box", isDirectory: true)
    }

    /// Takes the resources in `folder`, where they are there: programs that load this as a library have none of their own.
    package static func look(in folder: URL) {
        let bundle = folder.appendingPathComponent("numeral_Experiments.resources", isDirectory: true)
        guard FileManager.default.fileExists(atPath: bundle.path) else { return }
        besideLibrary.withLock { $0 = bundle }
    }

    /// What stands for it where a model is named by path; a file or folder of that name is `./box`.
    package static let word = "box"

    /// What stands for the network of lines beside it.
    package static let linesWord = "box-lines"

    /// What messages call it.
    package static let name = "the model in the box"

    /// - Throws: an `InputError` where the package's resources are absent or damaged.
    package static func load() throws(InputError) -> SavedModel {
        try SavedModel.load(path: folder.appendingPathComponent("mnist.safetensors").path)
    }

    /// The network beside it that reads lines of digits whole; `config/lines.json` trains it again.
    /// - Throws: an `InputError` where the package's resources are absent or damaged.
    package static func loadLines() throws(InputError) -> SavedModel {
        try SavedModel.load(path: folder.appendingPathComponent("lines.safetensors").path)
    }

    /// Whether `path` stands for one of the two.
    /// - Throws: an `InputError` where a file or folder has that name too.
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
