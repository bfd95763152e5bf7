import Experiments
import Foundation
import Tensors

/// The model in the box: a network that this project trained on MNIST, so that digits can be read without training first.
///
/// `Resources/box` holds it, the figures of its run, and a notice of where its data came from; `config/box.json` trains
/// it again.
package enum BoxModel {
    /// The folder of its files.
    static var folder: URL { Bundle.module.bundleURL.appendingPathComponent("box", isDirectory: true) }

    /// What messages call it.
    package static let name = "the model in the box"

    /// - Throws: an `InputError` where the package's resources are absent or damaged.
    package static func load() throws(InputError) -> SavedModel {
        try SavedModel.load(path: folder.appendingPathComponent("mnist.safetensors").path)
    }
}
