import Experiments
import Tensors

/// The networks that pictures are read with: one of single characters and, for lines, one that reads them whole.
package struct ReadingNetworks: Sendable {
    package let single: SavedModel
    /// Nil: lines are cut apart.
    package let lines: SavedModel?
    /// Whether a network of lines was asked for, with the one in the box beside it for single characters.
    package let isOfLines: Bool

    private init(single: SavedModel, lines: SavedModel?) {
        (self.single, self.lines, isOfLines) = (single, lines, false)
    }

    /// A network of single characters that stands alone has the box's network of lines beside it, where both know the same
    /// characters.
    /// - Throws: an `InputError` where the package's resources are absent or damaged.
    package func completed() throws(InputError) -> ReadingNetworks {
        guard lines == nil else { return self }
        let box = try BoxModel.loadLines()
        return box.classNames == single.classNames ? ReadingNetworks(single: single, lines: box) : self
    }

    /// - Parameters:
    ///   - path: a run folder or a model file; nil: the box.
    ///   - withLines: whether the box's network of lines is wanted.
    /// - Throws: an `InputError` where it cannot be read.
    package init(path: String?, withLines: Bool = true) throws(InputError) {
        guard let path, path != BoxModel.word else {
            (single, lines, isOfLines) = (try BoxModel.load(), withLines ? try BoxModel.loadLines() : nil, false)
            return
        }
        let saved = try SavedModel.load(path: path)
        isOfLines = saved.graph.readsLines
        (single, lines) = isOfLines ? (try BoxModel.load(), saved) : (saved, nil)
    }
}
