import Numeral
import Tensors

extension SavedModel {
    /// Checks that the network reads single images, for a command or an option that does not work on lines of text.
    /// - Parameter option: What is at fault, in the error.
    /// - Throws: An `InputError` if it reads lines.
    func requireSingleImages(_ option: String = "--model", remedy: String = "") throws(InputError) {
        guard graph.readsLines else { return }
        throw InputError(
            option, expected: "a network of single images", received: "one of lines of text", remedy: remedy)
    }
}
