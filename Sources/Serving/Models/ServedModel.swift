import Evaluation
import Experiments
import Foundation
import Pictures
import Recognition
import Tensors
import Training
import Workers

/// A model that the service was started with.
package struct ServedModel: Sendable {
    /// The name by which requests refer to the model.
    package let name: String
    /// The model's name in readings, the same as in `predict --json`.
    let shownName: String
    let networks: ReadingNetworks
    /// The network for tensors, whose weights all readers share.
    private let classifier: SingleImageClassifier

    /// - Parameter path: a run folder or a model file; nil for the bundled model.
    /// - Throws: an `InputError` if the model cannot be loaded or does not read pictures.
    package init(path: String?) throws(InputError) {
        networks = try ReadingNetworks(path: path)
        let saved = networks.single
        batchImages = saved.graph.valueCount <= Self.mostValues ? 8 : 1
        classifier = SingleImageClassifier(
            graph: saved.graph, normalization: saved.normalization, parameters: saved.parameters, state: saved.state,
            keepsFeatures: saved.strangers != nil, capacity: batchImages)
        name = Self.name(path ?? BoxModel.word)
        shownName = path ?? BoxModel.name
        // The bundled networks were built and tested with this package.
        if let path, path != BoxModel.word { _ = try ModelReader(self) }
    }

    /// The values of an image in all layers up to which images are computed together. Of more, the weights are a small
    /// part of what is read from memory.
    private static let mostValues = 1 << 19

    /// Returns the folder's name, or the file's without its extension.
    private static func name(_ path: String) -> String {
        let url = URL(fileURLWithPath: path)
        return url.lastPathComponent == "model.safetensors"
            ? url.deletingLastPathComponent().lastPathComponent : url.deletingPathExtension().lastPathComponent
    }

    /// Returns a classifier for one thread.
    func classifierForThread() -> SingleImageClassifier { SingleImageClassifier(sharing: classifier) }

    /// The names of the classes, in the order of the probabilities.
    package var classNames: [String] { networks.single.classNames }
    /// The shape of the input, `[H, W, C]`.
    package var inputShape: Shape { networks.single.graph.inputShape }
    /// The multiplications and additions for one image.
    var multiplyAdds: Int { networks.single.graph.multiplyAdds }
    /// The number of images that are computed together when several requests wait; 1 where that gains nothing.
    let batchImages: Int
    /// Whether the model detects unfamiliar images.
    var tellsStrangers: Bool { networks.single.strangers != nil }
    /// Whether it reads lines of text.
    var isOfLines: Bool { networks.isOfLines }
}

extension [ServedModel] {
    /// Returns the index of the model called `name`.
    /// - Parameter place: the part of the request that asked for it, for the error message.
    /// - Throws: a ``ServiceError`` (404).
    func index(named name: String, place: String) throws(ServiceError) -> Int {
        guard let index = firstIndex(where: { $0.name == name }) else {
            throw ServiceError(
                .notFound,
                "\(place): expected one of \(map(\.name).joined(separator: ", ")) · received \(printable(name))")
        }
        return index
    }
}

/// The readers of one worker. They use the memory of one thread and serve one request at a time.
final class ModelReader {
    let reader: DigitReader
    let classifier: SingleImageClassifier

    init(_ model: ServedModel) throws(InputError) {
        classifier = model.classifierForThread()
        reader = try DigitReader(
            model.networks.single, lines: model.networks.lines, pool: WorkerPool(threads: 1), single: classifier)
    }
}
