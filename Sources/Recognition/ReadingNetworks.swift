import Experiments
import Tensors

/// The networks for reading pictures: one for single characters and, optionally, one for whole lines.
package struct ReadingNetworks: Sendable {
    package let single: SavedModel
    /// The line-reading network; nil to segment lines into characters.
    package let lines: SavedModel?
    /// Whether a line-reading network was requested; the bundled network then reads single characters.
    package let isOfLines: Bool

    private init(single: SavedModel, lines: SavedModel?) {
        (self.single, self.lines, isOfLines) = (single, lines, false)
    }

    /// Returns the networks with the bundled line-reading network added, if none is and both have the same classes.
    /// - Throws: An `InputError` if the package's resources are missing or damaged.
    package func completed() throws(InputError) -> ReadingNetworks {
        guard lines == nil else { return self }
        let box = try BoxModel.loadLines()
        return box.classNames == single.classNames ? ReadingNetworks(single: single, lines: box) : self
    }

    /// Loads the networks.
    /// - Parameters:
    ///   - path: A run folder or a model file; nil for the bundled networks.
    ///   - withLines: Whether to load the bundled line-reading network along with the bundled single-character network.
    /// - Throws: An `InputError` if a model cannot be read.
    package init(path: String?, withLines: Bool = true) throws(InputError) {
        guard let path, path != BoxModel.word else {
            (single, lines, isOfLines) = (try BoxModel.load(), withLines ? try BoxModel.loadLines() : nil, false)
            return
        }
        let saved = try SavedModel.load(path: path)
        guard !saved.experiment.data.multiLabel else {
            throw InputError(
                path, expected: "a network of one label an image", received: "one of several labels",
                remedy: "trainer evaluate --data TABLE writes its predictions")
        }
        isOfLines = saved.graph.readsLines
        (single, lines) = isOfLines ? (try BoxModel.load(), saved) : (saved, nil)
    }
}
