import Numeral
import Tensors

extension SavedModel {
    /// Checks that the network reads single images and gives each one label, for a command or an option that does not
    /// work on lines of text or several labels.
    /// - Parameter option: What is at fault, in the error.
    /// - Throws: An `InputError` if it reads lines or gives several labels.
    func requireSingleImages(_ option: String = "--model", remedy: String = "") throws(InputError) {
        guard !experiment.data.multiLabel else {
            throw InputError(option, expected: "a network of one label an image", received: "one of several labels")
        }
        guard graph.readsLines else { return }
        throw InputError(
            option, expected: "a network of single images", received: "one of lines of text", remedy: remedy)
    }
}
