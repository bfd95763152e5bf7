import Experiments
import Foundation
import Pictures
import Recognition
import Tensors
import Training
import Workers

/// A model that the service was started with.
package struct ServedModel: Sendable {
    /// By which requests ask for it.
    package let name: String
    /// What readings call it: as `predict --json` does.
    let shownName: String
    /// Reads single characters.
    let single: SavedModel
    /// Reads lines whole; nil: they are cut apart.
    let lines: SavedModel?
    /// Whether it is a network of lines that was given, with the one in the box beside it for single characters.
    let isOfLines: Bool

    /// - Parameter path: a run folder or a model file; nil: the model in the box.
    /// - Throws: an `InputError` where it cannot be read, or reads no pictures.
    package init(path: String?) throws(InputError) {
        guard let path, path != BoxModel.word else {
            // Made and tried with this package.
            self.init(
                name: BoxModel.word, shownName: path ?? BoxModel.name, single: try BoxModel.load(),
                lines: try BoxModel.loadLines(), isOfLines: false)
            return
        }
        let saved = try SavedModel.load(path: path)
        let isOfLines = saved.graph.readsLines
        self.init(
            name: Self.name(path), shownName: path, single: isOfLines ? try BoxModel.load() : saved,
            lines: isOfLines ? saved : nil, isOfLines: isOfLines)
        _ = try ModelReader(self)
    }

    private init(name: String, shownName: String, single: SavedModel, lines: SavedModel?, isOfLines: Bool) {
        (self.name, self.shownName, self.single, self.lines) = (name, shownName, single, lines)
        self.isOfLines = isOfLines
    }

    /// The folder's name, or the file's without its ending.
    private static func name(_ path: String) -> String {
        let url = URL(fileURLWithPath: path)
        return url.lastPathComponent == "model.safetensors"
            ? url.deletingLastPathComponent().lastPathComponent : url.deletingPathExtension().lastPathComponent
    }

    /// Class names, in the order of probabilities.
    package var classNames: [String] { single.classNames }
    /// `[H, W, C]`.
    package var inputShape: Shape { single.graph.inputShape }
}

/// What one worker computes with: one thread's memory, used by one request at a time.
final class ModelReader {
    let reader: DigitReader
    let classifier: SingleImageClassifier

    init(_ model: ServedModel) throws(InputError) {
        reader = try DigitReader(model.single, lines: model.lines, pool: WorkerPool(threads: 1))
        classifier = SingleImageClassifier(
            graph: model.single.graph, normalization: model.single.normalization,
            parameters: model.single.parameters, state: model.single.state)
    }
}
